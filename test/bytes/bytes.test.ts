import { crc32 as nodeCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteReader, ByteWriter, crc32 } from '../../src/bytes/index.ts'

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action()
  } catch (error) {
    if (isFenbuError(error)) return error.code
    throw error
  }
  return undefined
}

describe('a byte writer and a byte reader', () => {
  it('give back every field that was written, in order', () => {
    fc.assert(
      fc.property(
        fc.record({
          small: fc.integer({ min: 0, max: 255 }),
          signed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
          unsigned: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          wide: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          counter: fc.maxSafeNat(),
          text: fc.string({ unit: 'grapheme', maxLength: 80 }),
          bytes: fc.uint8Array({ maxLength: 600 }),
        }),
        (record) => {
          const writer = new ByteWriter(1)
          writer.uint8(record.small)
          writer.int32(record.signed)
          writer.uint32(record.unsigned)
          writer.int64(record.wide)
          writer.uint64(BigInt.asUintN(64, record.wide))
          writer.counter(record.counter)
          writer.varint(record.counter)
          writer.boolean(record.small > 0)
          const at = writer.length
          writer.uint16(0)
          const length = writer.utf8(record.text)
          writer.bytes(record.bytes)
          const reader = new ByteReader(writer.view())
          expect(reader.uint8()).toBe(record.small)
          expect(reader.int32()).toBe(record.signed)
          expect(reader.uint32()).toBe(record.unsigned)
          expect(reader.int64()).toBe(record.wide)
          expect(reader.uint64()).toBe(BigInt.asUintN(64, record.wide))
          expect(reader.counter()).toBe(record.counter)
          expect(reader.varint()).toBe(record.counter)
          expect(reader.boolean()).toBe(record.small > 0)
          expect(reader.offset).toBe(at)
          expect(reader.uint16()).toBe(0)
          expect(reader.utf8(length)).toBe(record.text)
          expect(reader.bytes(record.bytes.length)).toEqual(record.bytes)
          reader.finish()
        },
      ),
    )
  })

  it('write text exactly as the platform encodes it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const writer = new ByteWriter(1)
        writer.utf8(text)
        expect([...writer.view()]).toEqual([...new TextEncoder().encode(text)])
      }),
    )
  })

  it('let an earlier length be patched once the body is known', () => {
    const writer = new ByteWriter(2)
    writer.uint32(0)
    writer.utf8('键盘')
    writer.setUint32At(0, writer.length - 4)
    expect(new ByteReader(writer.view()).uint32()).toBe(6)
  })

  it('hand bytes out without sharing them with what is written next', () => {
    const writer = new ByteWriter(4)
    writer.uint32(1)
    const taken = writer.take(4)
    writer.uint32(2)
    expect([...taken]).toEqual([0, 0, 0, 1])
    expect([...writer.copyAndReset()]).toEqual([0, 0, 0, 2])
    expect(writer.length).toBe(0)
  })
})

describe('a byte reader of hostile bytes', () => {
  it('refuses to read past its range, whatever a length field claims', () => {
    const bytes = new Uint8Array(16).fill(0xff)
    for (const claim of [-1, 17, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(codeOf(() => new ByteReader(bytes).bytes(claim))).toBe('BYTES_TRUNCATED')
      expect(codeOf(() => new ByteReader(bytes).utf8(claim))).toBe('BYTES_TRUNCATED')
      expect(codeOf(() => new ByteReader(bytes).skip(claim))).toBe('BYTES_TRUNCATED')
    }
    expect(codeOf(() => new ByteReader(bytes, 0, 3).uint32())).toBe('BYTES_TRUNCATED')
  })

  it('refuses ill-formed UTF-8, short or long', () => {
    for (const length of [1, 3, 30]) {
      const bytes = new Uint8Array(length).fill(0x61)
      bytes[length - 1] = 0xff
      expect(codeOf(() => new ByteReader(bytes).utf8(length))).toBe('BYTES_INVALID')
    }
  })

  it('refuses counters and varints above 2^53', () => {
    expect(codeOf(() => new ByteReader(new Uint8Array(8).fill(0xff)).counter())).toBe('BYTES_INVALID')
    expect(codeOf(() => new ByteReader(new Uint8Array(9).fill(0xff)).varint())).toBe('BYTES_INVALID')
  })

  it('refuses bytes after the last field', () => {
    expect(codeOf(() => new ByteReader(new Uint8Array(1)).finish())).toBe('BYTES_TRAILING')
  })
})

describe('crc32', () => {
  it('is the IEEE polynomial: the check value of "123456789" is cbf43926', () => {
    expect(crc32(new TextEncoder().encode('123456789')).toString(16)).toBe('cbf43926')
  })

  it('agrees with the platform for every length above zero, range and seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(20),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (bytes, skip, seed) => {
          const start = Math.min(skip, bytes.length - 1)
          expect(crc32(bytes, start, bytes.length, seed)).toBe(nodeCrc32(bytes.subarray(start), seed))
        },
      ),
    )
  })

  it('chains: the CRC of the second part, seeded with that of the first, is the CRC of the whole', () => {
    const bytes = new TextEncoder().encode('orders and stock')
    expect(crc32(bytes, 6, bytes.length, crc32(bytes, 0, 6))).toBe(crc32(bytes))
  })
})
