import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteWriter } from '../../src/bytes/index.ts'
import { seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import {
  BATCH_HEADER_BYTES,
  beginBatch,
  decodeBatchHeader,
  finishBatch,
  isBodyIntact,
} from '../../src/storage/batch-codec.ts'
import { SnapshotStore, WriteAheadLog } from '../../src/storage/index.ts'
import {
  beginRecords,
  decodeItems,
  decodeRecords,
  encodeStreamName,
  endRecords,
  writeItem,
  writeState,
  writeTruncation,
} from '../../src/storage/record-codec.ts'
import { decodeSegmentHeader, encodeSegmentHeader, SECTOR_BYTES } from '../../src/storage/segment-codec.ts'
import { decodeSnapshotHeader, encodeSnapshotHeader } from '../../src/storage/snapshot-codec.ts'
import { SMALL_LOG, settle } from './simulation.ts'

const counter = fc.maxSafeNat()
const name = fc.string({ minLength: 1, maxLength: 60 })
const items = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })

test('a batch comes back as it was written', () => {
  fc.assert(
    fc.property(name, counter, items, fc.uint8Array(), counter, (stream, first, records, state, index) => {
      const writer = new ByteWriter()
      const nameBytes = encodeStreamName(stream)
      beginBatch(writer)
      const at = beginRecords(writer, 'append', nameBytes, first)
      for (const item of records) writeItem(writer, item)
      endRecords(writer, at, records.length)
      writeState(writer, nameBytes, state)
      writeTruncation(writer, 'truncate-prefix', nameBytes, index)
      const place = {
        kind: 'batch',
        segment: 7,
        sequence: first,
        durableUpTo: index,
        firstSegment: 2,
      } as const
      const batch = finishBatch(writer, place, 3, 99)
      expect(batch.length % SECTOR_BYTES).toBe(0)
      const header = decodeBatchHeader(batch, 0, 7, 99)!
      expect(header).toMatchObject({ ...place, recordCount: 3 })
      expect(isBodyIntact(batch, 0, header, 99)).toBe(true)
      const found = decodeRecords(batch, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + header.bodyBytes, 3)
      expect(found).toEqual([
        { type: 'append', stream, first, count: records.length, at, bytes: expect.any(Number) },
        { type: 'state', stream, state },
        { type: 'truncate-prefix', stream, index },
      ])
      expect(decodeItems(batch, at, 1, 1, records.length)).toEqual(records)
    }),
  )
})

test('a batch is no batch elsewhere, in another log, or with one bit changed', () => {
  fc.assert(
    fc.property(items, fc.nat(), (records, where) => {
      const writer = new ByteWriter()
      beginBatch(writer)
      const at = beginRecords(writer, 'append', encodeStreamName('s'), 1)
      for (const item of records) writeItem(writer, item)
      endRecords(writer, at, records.length)
      const bodyEnd = writer.length
      const place = { kind: 'batch', segment: 7, sequence: 5, durableUpTo: 4, firstSegment: 2 } as const
      const batch = finishBatch(writer, place, 1, 99).slice()
      expect(decodeBatchHeader(batch, 0, 8, 99)).toBeUndefined()
      expect(decodeBatchHeader(batch, 0, 7, 98)).toBeUndefined()
      const bit = where % (bodyEnd * 8)
      batch[bit >>> 3] = batch[bit >>> 3]! ^ (1 << (bit & 7))
      const header = decodeBatchHeader(batch, 0, 7, 99)
      expect(header === undefined || !isBodyIntact(batch, 0, header, 99)).toBe(true)
    }),
  )
})

test('any bytes are a header or are not; records that are none end in a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(100), (garbage, count) => {
      decodeBatchHeader(garbage, 0, 1, 0)
      expectTyped(() => decodeSegmentHeader(garbage, 'path'))
      expectTyped(() => decodeSnapshotHeader(garbage, 'path'))
      expectTyped(() => decodeRecords(garbage, 0, garbage.length, count))
    }),
    { numRuns: 1000 },
  )
})

test('lying lengths and counts cost no more than the bytes that are there', () => {
  const writer = new ByteWriter()
  const at = beginRecords(writer, 'append', encodeStreamName('s'), 1)
  endRecords(writer, at, 0xffffffff)
  writer.varint(2 ** 40)
  const lie = writer.view()
  const startedMs = performance.now()
  expect(() => decodeRecords(lie, 0, lie.length, 1)).toThrowError(
    expect.objectContaining({ code: 'BYTES_TRUNCATED' }),
  )
  expect(performance.now() - startedMs).toBeLessThan(100)
})

test('headers come back as they were written', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.record({ segment: counter, bytes: counter, durableUpTo: counter, firstSegment: counter }),
      fc.record({ index: counter, epoch: counter, leaseMs: counter, level: fc.nat(), digest: fc.nat() }),
      (logId, header, info) => {
        expect(decodeSegmentHeader(encodeSegmentHeader({ logId, ...header }), 'path')).toEqual({
          logId,
          ...header,
        })
        expect(decodeSnapshotHeader(encodeSnapshotHeader(info), 'path')).toEqual(info)
      },
    ),
  )
})

test('files of any content open or are refused with a typed error, and never hang', async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    // The start of a genuine segment, then anything.
    fc.uint8Array({ maxLength: 16_384 - SECTOR_BYTES }).map((rest) => {
      const header = { logId: new Uint8Array(16), segment: 1, bytes: 16_384, durableUpTo: 0, firstSegment: 1 }
      const file = new Uint8Array(16_384)
      file.set(encodeSegmentHeader(header))
      file.set(rest, SECTOR_BYTES)
      return file
    }),
  )
  await fc.assert(
    fc.asyncProperty(content, content, async (segment, snapshot) => {
      const time = new VirtualTime()
      const disk = new VirtualDisk(time, seededRandom(1))
      const { world } = new VirtualProcess(time, disk, seededRandom(2))
      disk.place('log/000000000001.wal', segment)
      disk.place('snapshots/0000000000000001.snapshot', snapshot)
      const loader = { add: () => undefined, finish: () => undefined }
      const opening = Promise.allSettled([
        WriteAheadLog.open(world, 'log', SMALL_LOG),
        SnapshotStore.open(world, 'snapshots').then((store) => store.load(loader)),
      ])
      let isOver = false
      void opening.then(() => {
        isOver = true
      })
      await time.run(settle, 2000, () => isOver)
      expect(isOver).toBe(true)
      for (const result of await opening)
        if (result.status === 'rejected') expect(isFenbuError(result.reason)).toBe(true)
    }),
    { numRuns: 150 },
  )
})

function expectTyped(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(isFenbuError(error), String(error)).toBe(true)
  }
}
