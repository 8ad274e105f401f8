import { decode as decodeTheirs, encode as encodeTheirs } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteWriter } from '../../src/bytes/index.ts'
import { codecNamed } from '../../src/rpc/codecs.ts'
import type { CodecName } from '../../src/rpc/core/index.ts'

/** What JSON and any MessagePack library mean alike: without negative zeros, and without the key that is refused. */
const anyJson = fc
  .jsonValue({ maxDepth: 6 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('__proto__'))
  .map((text): unknown => JSON.parse(text))

const anyPlain: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(null, undefined, true, false),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double(),
      fc.bigInt(),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 300 }),
    ),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      anyKey(),
      tie('value').filter((value) => value !== undefined),
      { maxKeys: 20 },
    ),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 5 }).map((members) => new Set(members)),
  ),
})).value

function anyKey(): fc.Arbitrary<string> {
  return fc.string({ unit: 'grapheme', maxLength: 40 }).filter((key) => key !== '__proto__')
}

describe('MessagePack', () => {
  it('carries every plain value unchanged', () => {
    fc.assert(
      fc.property(anyPlain, (value) => {
        expect(decode('messagepack', encode('messagepack', value))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('is read by another library, and reads what that writes', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(decodeTheirs(encode('messagepack', value))).toEqual(value)
        expect(decode('messagepack', encodeTheirs(value))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('takes any bytes for a value or refuses them with RPC_BODY_INVALID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => refusedOrRead('messagepack', bytes)),
      { numRuns: 5_000 },
    )
  })

  it('survives bytes of a good value that were changed, cut or doubled', () => {
    fc.assert(
      fc.property(
        anyPlain,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (value, changes, cut) => {
          const bytes = encode('messagepack', value)
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte
          refusedOrRead('messagepack', bytes)
          refusedOrRead('messagepack', bytes.subarray(0, cut % bytes.length))
          refusedOrRead('messagepack', Uint8Array.of(...bytes, ...bytes))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('JSON', () => {
  it('carries every JSON value unchanged', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(decode('json', encode('json', value))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('takes any bytes for a value or refuses them with RPC_BODY_INVALID', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ maxLength: 64 }).map((text) => new TextEncoder().encode(text)),
      fc
        .array(fc.constantFrom('[', ']', '{', '}', '"', '\\', ':', ',', '1', '__proto__', 'u005f'), {
          maxLength: 200,
        })
        .map((parts) => new TextEncoder().encode(parts.join(''))),
    )
    fc.assert(
      fc.property(anyBytes, (bytes) => refusedOrRead('json', bytes)),
      { numRuns: 5_000 },
    )
  })
})

function encode(name: CodecName, value: unknown): Uint8Array {
  const writer = new ByteWriter()
  codecNamed(name).encode(writer, value)
  return writer.take()
}

function decode(name: CodecName, bytes: Uint8Array): unknown {
  return codecNamed(name).decode(bytes, 0, bytes.length)
}

function refusedOrRead(name: CodecName, bytes: Uint8Array): void {
  try {
    decode(name, bytes)
  } catch (error) {
    expect(isFenbuError(error, 'RPC_BODY_INVALID'), String(error)).toBe(true)
  }
}
