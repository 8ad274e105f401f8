import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader } from '../../src/bytes/index.ts'

const encoder = new TextEncoder()

function read(text: string): string {
  const bytes = encoder.encode(text)
  return new ByteReader(bytes).utf8(bytes.length)
}

describe('text that is read again and again', () => {
  test('is the same text each time, whatever was read in between', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 70 }), { maxLength: 20 }), (texts) => {
        for (let round = 0; round < 4; round++) for (const text of texts) expect(read(text)).toBe(text)
      }),
    )
  })

  test('is told apart from text that is kept in the same place', () => {
    // More texts than there are places for them, each read until it is kept.
    const texts = Array.from({ length: 20_000 }, (_, i) => `/registry/service-${i}`)
    for (const text of texts) {
      expect(read(text)).toBe(text)
      expect(read(text)).toBe(text)
      expect(read(text)).toBe(text)
    }
    for (const text of texts) expect(read(text)).toBe(text)
  })

  test('is refused each time if it is not UTF-8', () => {
    for (const wrong of [[0xff], [0x2f, 0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x2f, 0xe6, 0xb1]]) {
      const bytes = Uint8Array.from(wrong)
      for (let round = 0; round < 3; round++)
        expect(() => new ByteReader(bytes).utf8(bytes.length)).toThrow(
          expect.objectContaining({ code: 'BYTES_INVALID' }),
        )
    }
  })

  test('keeps a byte order mark, and tells a character from its bytes', () => {
    for (const text of ['\ufeffa', '/é', '/Ã©', '\0', ''])
      for (let round = 0; round < 3; round++) expect(read(text)).toBe(text)
  })
})
