import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteWriter } from '../../src/bytes/index.ts'
import { decodeEntry, encodeEntry } from '../../src/cluster/entry-codec.ts'
import type { Entry, Epoch, LogIndex } from '../../src/consensus/index.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchPlace,
  beginBatch,
  decodeBatchHeader,
  finishBatch,
  isBodyIntact,
  logSeed,
} from '../../src/storage/batch-codec.ts'
import {
  beginRecords,
  decodeItems,
  decodeRecords,
  encodeStreamName,
  endRecords,
  type LogRecord,
  writeDrop,
  writeItem,
  writeState,
  writeTruncation,
} from '../../src/storage/record-codec.ts'
import { decodeSegmentHeader, encodeSegmentHeader, SECTOR_BYTES } from '../../src/storage/segment-codec.ts'
import {
  chunkCrc,
  decodeSnapshotHeader,
  encodeChunk,
  encodeSnapshotHeader,
} from '../../src/storage/snapshot-codec.ts'

const RUNS = { numRuns: 2000 }
const counter = fc.oneof(fc.maxSafeNat(), fc.nat(1000))
const data = fc.uint8Array({ maxLength: 300 })
const logId = fc.uint8Array({ minLength: 16, maxLength: 16 })

/** Lengths and counts that lie: the largest, the negative, the ones just past the end. */
const CORPUS: readonly Uint8Array[] = [
  new Uint8Array(0),
  new Uint8Array(SECTOR_BYTES),
  new Uint8Array(SECTOR_BYTES).fill(0xff),
  // An append of a stream "a" with 2^32 - 1 items, and one whose item claims 2^31 bytes.
  Uint8Array.of(1, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(1, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x07),
  // A state that claims 2^31 bytes, a varint without an end, a name longer than all there is.
  Uint8Array.of(5, 1, 0x61, 0xff, 0xff, 0xff, 0xff, 0x07),
  Uint8Array.of(5, 1, 0x61, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80),
  Uint8Array.of(6, 255, 0x61),
  // A name that is not UTF-8, a counter above 2^53, a type that does not exist.
  Uint8Array.of(6, 2, 0xc3, 0x28),
  Uint8Array.of(3, 1, 0x61, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(99, 1, 0x61),
]
const hostile = fc.oneof(fc.uint8Array({ maxLength: 1024 }), fc.constantFrom(...CORPUS))

type Step =
  | { readonly type: 'append' | 'copy'; readonly first: number; readonly items: readonly Uint8Array[] }
  | { readonly type: 'truncate-suffix' | 'truncate-prefix'; readonly index: number }
  | { readonly type: 'state'; readonly state: Uint8Array }
  | { readonly type: 'drop' }

const run = (type: 'append' | 'copy') =>
  fc.record({
    type: fc.constant(type),
    first: fc.nat({ max: 1_000_000 }).map((index) => index + 1),
    items: fc.array(data, { minLength: 1, maxLength: 5 }),
  })
const step: fc.Arbitrary<Step> = fc.oneof(
  run('append'),
  run('copy'),
  fc.record({
    type: fc.constantFrom('truncate-suffix' as const, 'truncate-prefix' as const),
    index: counter,
  }),
  fc.record({ type: fc.constant('state' as const), state: data }),
  fc.record({ type: fc.constant('drop' as const) }),
)
const name = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => {
  const { length } = new TextEncoder().encode(text)
  return length > 0 && length < 256
})
const steps = fc.array(fc.tuple(name, step), { minLength: 1, maxLength: 8 })
const place: fc.Arbitrary<BatchPlace> = fc.record({
  kind: fc.constant('batch' as const),
  segment: counter,
  sequence: counter,
  durableUpTo: counter,
  firstSegment: counter,
})

describe('bytes of anyone', () => {
  it('are never taken for a segment header', () => {
    fc.assert(
      fc.property(hostile, (bytes) => refused(() => decodeSegmentHeader(bytes, 'x'))),
      RUNS,
    )
  })

  it('are never taken for a snapshot header', () => {
    fc.assert(
      fc.property(hostile, (bytes) => refused(() => decodeSnapshotHeader(bytes, 'x'))),
      RUNS,
    )
  })

  it('are never taken for a batch header', () => {
    fc.assert(
      fc.property(hostile, counter, fc.nat(), (bytes, segment, seed) => {
        expect(decodeBatchHeader(bytes, 0, segment, seed)).toBeUndefined()
      }),
      RUNS,
    )
  })

  it('are records or are refused, in a time and a memory that their length bounds', () => {
    fc.assert(
      fc.property(hostile, fc.oneof(fc.nat(10), fc.constant(2 ** 32 - 1)), (bytes, count) => {
        const records = answered(() => decodeRecords(bytes, 0, bytes.length, count))
        expect(records?.length ?? 0).toBeLessThanOrEqual(bytes.length)
      }),
      RUNS,
    )
  })

  it('are items or are refused', () => {
    fc.assert(
      fc.property(hostile, fc.nat(20), (bytes, at) => {
        answered(() => decodeItems(bytes, Math.min(at, bytes.length), 1, 1, Number.MAX_SAFE_INTEGER))
      }),
      RUNS,
    )
  })

  it('are an entry or are refused', () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        const entry = answered(() => decodeEntry(1, bytes))
        expect(entry?.data.length ?? 0).toBeLessThanOrEqual(bytes.length)
      }),
      RUNS,
    )
  })
})

describe('what was written', () => {
  it('comes back: segment headers', () => {
    const header = fc.record({
      logId,
      segment: counter,
      bytes: counter,
      durableUpTo: counter,
      firstSegment: counter,
    })
    fc.assert(
      fc.property(header, (given) => {
        expect(decodeSegmentHeader(encodeSegmentHeader(given), 'x')).toEqual(given)
      }),
    )
  })

  it('comes back: snapshot headers', () => {
    const uint32 = fc.nat({ max: 2 ** 32 - 1 })
    const info = fc.record({
      index: counter,
      epoch: counter,
      leaseMs: counter,
      level: uint32,
      digest: uint32,
    })
    fc.assert(
      fc.property(info, (given) => {
        expect(decodeSnapshotHeader(encodeSnapshotHeader(given), 'x')).toEqual(given)
      }),
    )
  })

  it('comes back: batches of records', () => {
    fc.assert(
      fc.property(steps, place, logId, (written, at, id) => {
        const seed = logSeed(id)
        const batch = batchOf(written, at, seed)
        expect(batch.length % SECTOR_BYTES).toBe(0)
        const header = decodeBatchHeader(batch, 0, at.segment, seed)!
        expect(header).toMatchObject(at)
        expect(isBodyIntact(batch, 0, header, seed)).toBe(true)
        const end = BATCH_HEADER_BYTES + header.bodyBytes
        const records = decodeRecords(batch, BATCH_HEADER_BYTES, end, header.recordCount)
        expect(records.map((record) => stepOf(record, batch))).toEqual(written)
      }),
    )
  })

  it('comes back: entries', () => {
    const entry: fc.Arbitrary<Entry> = fc.record({
      index: counter.map((index) => index as LogIndex),
      epoch: counter.map((epoch) => epoch as Epoch),
      wallMs: counter,
      leaseMs: counter,
      data,
    })
    fc.assert(
      fc.property(entry, (given) => {
        expect(decodeEntry(given.index, encodeEntry(given))).toEqual(given)
      }),
    )
  })
})

describe('one flipped bit', () => {
  it('in a segment header is noticed', () => {
    const bytes = encodeSegmentHeader({
      logId: new Uint8Array(16).fill(7),
      segment: 3,
      bytes: 8192,
      durableUpTo: 9,
      firstSegment: 2,
    })
    // What follows the checksum is padding that nobody reads.
    for (let bit = 0; bit < 68 * 8; bit++) refused(() => decodeSegmentHeader(flipped(bytes, bit), 'x'))
  })

  it('in a snapshot header is noticed', () => {
    const bytes = encodeSnapshotHeader({ index: 5, epoch: 2, leaseMs: 77, level: 1, digest: 12345 })
    for (let bit = 0; bit < bytes.length * 8; bit++)
      refused(() => decodeSnapshotHeader(flipped(bytes, bit), 'x'))
  })

  it('in a chunk of a snapshot is noticed, and so is its number', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.nat(),
        fc.nat(100),
        (chunk, seed, at, number) => {
          const written = new DataView(encodeChunk(chunk, number, seed).buffer).getUint32(4)
          expect(chunkCrc(chunk, number, seed)).toBe(written)
          expect(chunkCrc(flipped(chunk, at % (chunk.length * 8)), number, seed)).not.toBe(written)
          expect(chunkCrc(chunk, number + 1, seed)).not.toBe(written)
          expect(chunkCrc(chunk, number, seed + 1)).not.toBe(written)
        },
      ),
    )
  })

  it('in a batch is noticed, or is in padding that nobody reads', () => {
    fc.assert(
      fc.property(steps, place, fc.nat(), fc.nat(), (written, at, seed, draw) => {
        const batch = batchOf(written, at, seed)
        const bodyEnd = BATCH_HEADER_BYTES + decodeBatchHeader(batch, 0, at.segment, seed)!.bodyBytes
        const damaged = flipped(batch, draw % (bodyEnd * 8))
        const header = decodeBatchHeader(damaged, 0, at.segment, seed)
        expect(header !== undefined && isBodyIntact(damaged, 0, header, seed)).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('an undamaged batch', () => {
  const at = { kind: 'batch', segment: 3, sequence: 9, durableUpTo: 8, firstSegment: 1 } as const
  const written: [string, Step][] = [
    ['orders', { type: 'append', first: 1, items: [Uint8Array.of(1, 2, 3)] }],
  ]

  it('is none in a segment other than its own', () => {
    const batch = batchOf(written, at, 1)
    expect(decodeBatchHeader(batch, 0, 3, 1)).toBeDefined()
    expect(decodeBatchHeader(batch, 0, 4, 1)).toBeUndefined()
  })

  it('is none in the log of another', () => {
    const [mine, other] = [logSeed(new Uint8Array(16).fill(1)), logSeed(new Uint8Array(16).fill(2))]
    const batch = batchOf(written, at, mine)
    expect(decodeBatchHeader(batch, 0, 3, mine)).toBeDefined()
    expect(decodeBatchHeader(batch, 0, 3, other)).toBeUndefined()
  })

  it('vouches for its records only where it stands: the same records elsewhere have another checksum', () => {
    const sums = [at, { ...at, sequence: 10 }, { ...at, segment: 4 }].map((where) => {
      const batch = batchOf(written, where, 1)
      return decodeBatchHeader(batch, 0, where.segment, 1)!.bodyCrc
    })
    expect(new Set(sums).size).toBe(sums.length)
  })
})

function batchOf(written: readonly (readonly [string, Step])[], at: BatchPlace, seed: number): Uint8Array {
  const writer = new ByteWriter(64)
  beginBatch(writer)
  for (const [stream, each] of written) writeStep(writer, encodeStreamName(stream), each)
  return finishBatch(writer, at, written.length, seed)
}

function writeStep(writer: ByteWriter, stream: Uint8Array, each: Step): void {
  switch (each.type) {
    case 'append':
    case 'copy': {
      const start = beginRecords(writer, each.type, stream, each.first)
      for (const item of each.items) writeItem(writer, item)
      endRecords(writer, start, each.items.length)
      break
    }
    case 'truncate-suffix':
    case 'truncate-prefix':
      writeTruncation(writer, each.type, stream, each.index)
      break
    case 'state':
      writeState(writer, stream, each.state)
      break
    case 'drop':
      writeDrop(writer, stream)
      break
  }
}

function stepOf(record: LogRecord, batch: Uint8Array): [string, Step] {
  const { stream } = record
  switch (record.type) {
    case 'append':
    case 'copy': {
      const { type, first, at, count } = record
      const items = decodeItems(batch, at, first, first, first + count - 1).map((item) => item.slice())
      return [stream, { type, first, items }]
    }
    case 'state':
      return [stream, { type: 'state', state: record.state }]
    case 'drop':
      return [stream, { type: 'drop' }]
    default:
      return [stream, { type: record.type, index: record.index }]
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const damaged = bytes.slice()
  damaged[bit >>> 3]! ^= 1 << (bit & 7)
  return damaged
}

/** The answer, or undefined if the bytes were refused by a typed error; anything else is a crash. */
function answered<Result>(decode: () => Result): Result | undefined {
  try {
    return decode()
  } catch (error) {
    if (isFenbuError(error)) return undefined
    throw error
  }
}

function refused(decode: () => unknown): void {
  expect(answered(decode)).toBeUndefined()
}
