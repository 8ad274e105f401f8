import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import {
  decodeMetadata,
  encodeMetadata,
  METADATA_BYTES_MAX,
  METADATA_ENTRIES_MAX,
} from '../../src/rpc/core/index.ts'

const anyMetadata = fc.dictionary(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((key) => key !== '__proto__'),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  { maxKeys: 10 },
)

describe('metadata', () => {
  it('arrives as it was sent, in an object without a prototype', () => {
    fc.assert(
      fc.property(anyMetadata, (metadata) => {
        const arrived = decodeMetadata(encodeMetadata(metadata))
        expect({ ...arrived }).toEqual({ ...metadata })
        expect(Object.getPrototypeOf(arrived)).toBe(null)
      }),
    )
  })

  it('is refused with RPC_METADATA_INVALID where it is malformed, and fails in no other way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeMetadata(bytes)
        } catch (error) {
          expect(isFenbuError(error, 'RPC_METADATA_INVALID'), String(error)).toBe(true)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('is refused by sender and receiver above its bounds', () => {
    const many = Object.fromEntries(Array.from({ length: METADATA_ENTRIES_MAX + 1 }, (_, i) => [`k${i}`, '']))
    for (const metadata of [
      many,
      { key: 'x'.repeat(METADATA_BYTES_MAX) },
      { ['k'.repeat(256)]: '' },
      { '': 'x' },
    ])
      expect(() => encodeMetadata(metadata)).toThrow(
        expect.objectContaining({ code: 'RPC_METADATA_INVALID' }),
      )
    expect(() => encodeMetadata({ n: 1 as unknown as string })).toThrow('not a text')
    expect(() => decodeMetadata(new Uint8Array(METADATA_BYTES_MAX + 1))).toThrow('bytes')
    expect(() => decodeMetadata(Uint8Array.of(METADATA_ENTRIES_MAX + 1))).toThrow('entries')
  })

  it('has no key twice and none that could reach a prototype', () => {
    expect(() => decodeMetadata(Uint8Array.of(2, 1, 0x61, 0, 0, 1, 0x61, 0, 0))).toThrow('a key "a"')
    const forged = [...new TextEncoder().encode('__proto__')]
    expect(() => decodeMetadata(Uint8Array.of(1, forged.length, ...forged, 0, 0))).toThrow(
      'a key "__proto__"',
    )
    expect(() => encodeMetadata(JSON.parse('{"__proto__":"x"}'))).toThrow('a key "__proto__"')
  })
})
