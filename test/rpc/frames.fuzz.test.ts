import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteWriter } from '../../src/bytes/index.ts'
import {
  type AnyFrame,
  CallView,
  decodeFrame,
  encodeCall,
  encodeFrame,
  encodeResult,
  FRAMES,
  type FrameName,
  frameCallId,
  frameLength,
  frameType,
  messagePackCodec,
  resultHandlerMicros,
  resultValueStart,
} from '../../src/rpc/core/index.ts'
import { anyCallId, anyFields, anyFlags, FRAME_NAMES } from './frame-values.ts'

const codec = messagePackCodec({ toMs: () => undefined, fromMs: (ms) => ({ ms }) })

describe('the frame codec', () => {
  it.each(FRAME_NAMES)('reads every %s frame back as it was written', (name) => {
    fc.assert(
      fc.property(anyCallId(name), anyFlags(name), anyFields(name), (callId, flags, fields) => {
        const bytes = encoded(name, callId, flags, fields)
        expect(frameLength(bytes, 0, bytes.length)).toBe(bytes.length)
        expect(decodeFrame(bytes, 0, bytes.length)).toEqual({ name, flags, callId, fields })
      }),
    )
  })

  it.each(FRAME_NAMES)('refuses every %s frame that is cut short or has bytes too many', (name) => {
    const endless = Object.values(FRAMES[name].fields).includes('rest' as never)
    fc.assert(
      fc.property(anyCallId(name), anyFields(name), fc.nat(), (callId, fields, cut) => {
        const bytes = encoded(name, callId, 0, fields)
        const rest = endless ? lastFieldBytes(fields) : 0
        const kept = cut % (bytes.length - rest)
        expect(() => decodeFrame(bytes, 0, kept)).toThrow(
          expect.objectContaining({ code: 'RPC_FRAME_INVALID' }),
        )
        if (endless) return
        const longer = new Uint8Array([...bytes, 0])
        expect(() => decodeFrame(longer, 0, longer.length)).toThrow('malformed frame')
      }),
    )
  })

  it('refuses with RPC_FRAME_INVALID whatever is no frame, and fails in no other way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 0x20 }), (bytes, type) => {
        if (bytes.length > 4) bytes[4] = type
        const frame = refusedOr(() => decodeFrame(bytes, 0, bytes.length))
        if (frame) expect(Object.keys(frame.fields)).toEqual(Object.keys(FRAMES[frame.name].fields))
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes or refuses the frames of the corpus as it says', () => {
    const lines = readFileSync('test/rpc/corpus/frames.txt', 'utf8').split('\n')
    for (const line of lines) {
      const [, digits, expected] = /^([0-9a-f ]+?) +([A-Z_]+)/.exec(line) ?? []
      if (digits === undefined) continue
      const bytes = Buffer.from(digits.replaceAll(' ', ''), 'hex')
      const frame = refusedOr(() => decode(bytes))
      expect(frame?.name ?? 'RPC_FRAME_INVALID', line).toBe(expected)
    }
  })

  it.each(FRAME_NAMES)('refuses or reads a %s frame of which any bytes were changed', (name) => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        anyCallId(name),
        anyFlags(name),
        anyFields(name),
        changes,
        (callId, flags, fields, some) => {
          const bytes = encoded(name, callId, flags, fields)
          for (const [at, byte] of some) bytes[4 + (at % (bytes.length - 4))] = byte
          refusedOr(() => decode(bytes))
        },
      ),
    )
  })

  it('refuses flags that the table does not know, and call ids of the wrong scope', () => {
    for (const name of FRAME_NAMES) {
      const [good, bad] = FRAMES[name].scope === 'connection' ? [0, 1] : [1, 0]
      fc.assert(
        fc.property(anyFields(name), (fields) => {
          expect(() => decode(encoded(name, bad, 0, fields))).toThrow('call id')
          expect(() => decode(encoded(name, good, 0x80, fields))).toThrow('flags 0x80')
        }),
        { numRuns: 5 },
      )
    }
  })

  it('says as soon as four bytes are there how long a frame is, and refuses what cannot be one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 12 }), (bytes) => {
        const claimed = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
        const length = refusedOr(() => frameLength(bytes, 0, bytes.length))
        if (claimed === 0x464e4252) expect(length).toBe(8)
        else expect(length).toBe(claimed < 6 || claimed > 2 ** 30 ? undefined : claimed + 4)
      }),
      { numRuns: 2_000 },
    )
    expect(frameLength(Uint8Array.of(0, 0, 1), 0, 3)).toBe(0)
  })
})

describe('the short cuts for CALL and RESULT', () => {
  it('write the bytes of the table', () => {
    fc.assert(
      fc.property(anyCallId('CALL'), anyFlags('CALL'), anyFields('CALL'), (callId, flags, f) => {
        const writer = new ByteWriter()
        encodeCall(writer, callId, flags === 1, f.methodId, f.timeoutMs, f.attempt, f.metadata, f.args)
        expect(writer.take()).toEqual(encoded('CALL', callId, flags, f))
      }),
    )
    fc.assert(
      fc.property(
        anyCallId('RESULT'),
        anyFields('RESULT'),
        fc.string(),
        (callId, { handlerMicros }, text) => {
          const writer = new ByteWriter()
          encodeResult(writer, callId, handlerMicros, text, codec)
          const value = new ByteWriter()
          codec.encode(value, text)
          expect(writer.take()).toEqual(encoded('RESULT', callId, 0, { handlerMicros, value: value.take() }))
        },
      ),
    )
  })

  it('read what the table reads, and refuse what it refuses', () => {
    const view = new CallView()
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(anyCallId('CALL'), anyFields('CALL'), fc.nat(60), fc.nat(255))
        .map(([callId, fields, at, byte]) => {
          const bytes = encoded('CALL', callId, 0, fields)
          if (at < bytes.length) bytes[at] = byte
          return bytes
        }),
    )
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        for (const name of ['CALL', 'RESULT'] as const) {
          if (bytes.length > 4) bytes[4] = FRAMES[name].type
          const byTable = refusedOr(() => decodeFrame(bytes, 0, bytes.length))
          const byShortCut = refusedOr(() => (name === 'CALL' ? readCall(view, bytes) : readResult(bytes)))
          expect(byShortCut).toEqual(byTable)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

function readCall(view: CallView, bytes: Uint8Array): unknown {
  view.move(bytes, 0, bytes.length)
  const { callId, idempotent, methodId, timeoutMs, attempt, metadataStart, argsStart } = view
  const metadata = bytes.subarray(metadataStart, argsStart)
  const args = bytes.subarray(argsStart)
  return {
    name: 'CALL',
    flags: idempotent ? 1 : 0,
    callId,
    fields: { methodId, timeoutMs, attempt, metadata, args },
  }
}

function readResult(bytes: Uint8Array): unknown {
  const value = bytes.subarray(resultValueStart(bytes, 0, bytes.length))
  expect(frameType(bytes, 0)).toBe(FRAMES.RESULT.type)
  const fields = { handlerMicros: resultHandlerMicros(bytes, 0), value }
  return { name: 'RESULT', flags: 0, callId: frameCallId(bytes, 0), fields }
}

function encoded<Name extends FrameName>(
  name: Name,
  callId: number,
  flags: number,
  fields: Parameters<typeof encodeFrame<Name>>[4],
): Uint8Array {
  const writer = new ByteWriter()
  encodeFrame(writer, name, callId, flags, fields)
  return writer.take()
}

function decode(bytes: Uint8Array): AnyFrame {
  return decodeFrame(bytes, 0, bytes.length)
}

function lastFieldBytes(fields: object): number {
  return (Object.values(fields).at(-1) as Uint8Array).length
}

/** The value, or undefined if it was refused in the one allowed way. */
function refusedOr<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    expect(isFenbuError(error) && /^RPC_(FRAME|PREFACE)_INVALID$/.test(error.code), String(error)).toBe(true)
    return undefined
  }
}
