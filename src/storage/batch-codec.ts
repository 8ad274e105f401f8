import { ByteReader, type ByteWriter, crc32 } from '../bytes/index.ts'
import { checksum } from './checksum.ts'
import { SECTOR_BYTES } from './segment-codec.ts'

// A batch is what one fdatasync makes durable: a header, records, zeros up to the next sector. Big-endian:
//
//   0  4  magic "FBAT"
//   4  2  format version
//   6  1  kind: 1 batch, 2 mark
//   7  1  zero
//   8  8  segment id
//  16  8  sequence, counted from 1 over all segments without gaps
//  24  8  durableUpTo: every batch up to this sequence was durable before this one was written
//  32  8  firstSegment: the oldest segment that recovery needs
//  40  4  bytes of the records
//  44  4  number of records
//  48  4  CRC-32 of the records
//  52  8  zero
//  60  4  CRC-32 of bytes 0 to 59
//
// Both CRCs are seeded with the log id, and cover (header) or are further seeded with (records) segment id and
// sequence: a valid batch in the wrong place, of another log or of an earlier round is not a valid batch.
// A mark has no records. It stands where the next batch will be, has that batch's sequence, and is overwritten by
// it: it tells recovery that the batch before it was durable while no later batch can tell.

export const BATCH_HEADER_BYTES = 64
const MAGIC = 0x46424154
const VERSION = 1
const CHECKED_BYTES = 60
const IDENTITY_START = 8
const IDENTITY_END = 24

const KINDS = { batch: 1, mark: 2 } as const

export type BatchKind = keyof typeof KINDS

export interface BatchHeader {
  readonly kind: BatchKind
  readonly segment: number
  readonly sequence: number
  readonly durableUpTo: number
  readonly firstSegment: number
  readonly bodyBytes: number
  readonly recordCount: number
  readonly bodyCrc: number
}

export type BatchPlace = Pick<BatchHeader, 'kind' | 'segment' | 'sequence' | 'durableUpTo' | 'firstSegment'>

/** What a batch of `bodyBytes` takes on disk. */
export function paddedBytes(bodyBytes: number): number {
  return Math.ceil((BATCH_HEADER_BYTES + bodyBytes) / SECTOR_BYTES) * SECTOR_BYTES
}

/** The seed of all CRCs of one log. */
export function logSeed(logId: Uint8Array): number {
  return crc32(logId)
}

/** Leaves room for the header; records follow, then `finishBatch`. */
export function beginBatch(writer: ByteWriter): void {
  writer.reset()
  writer.bytes(EMPTY_HEADER)
}

/** Writes the header before the records that `writer` holds, pads to a sector and returns the whole batch. */
export function finishBatch(
  writer: ByteWriter,
  place: BatchPlace,
  recordCount: number,
  seed: number,
): Uint8Array {
  const bodyEnd = writer.length
  writer.bytes(PADDING.subarray(0, paddedBytes(bodyEnd - BATCH_HEADER_BYTES) - bodyEnd))
  const bytes = writer.view()
  const view = new DataView(bytes.buffer, bytes.byteOffset, BATCH_HEADER_BYTES)
  view.setUint32(0, MAGIC)
  view.setUint16(4, VERSION)
  view.setUint8(6, KINDS[place.kind])
  setCounter(view, 8, place.segment)
  setCounter(view, 16, place.sequence)
  setCounter(view, 24, place.durableUpTo)
  setCounter(view, 32, place.firstSegment)
  view.setUint32(40, bodyEnd - BATCH_HEADER_BYTES)
  view.setUint32(44, recordCount)
  view.setUint32(48, checksum(bytes, BATCH_HEADER_BYTES, bodyEnd, bodySeed(bytes, seed)))
  view.setUint32(60, crc32(bytes, 0, CHECKED_BYTES, seed))
  return bytes
}

/** The header at `offset`, if there is an undamaged one of this segment. */
export function decodeBatchHeader(
  bytes: Uint8Array,
  offset: number,
  segment: number,
  seed: number,
): BatchHeader | undefined {
  if (bytes.length - offset < BATCH_HEADER_BYTES) return undefined
  const reader = new ByteReader(bytes, offset, offset + BATCH_HEADER_BYTES)
  if (reader.uint32() !== MAGIC || reader.uint16() !== VERSION) return undefined
  const crc = new ByteReader(bytes, offset + CHECKED_BYTES).uint32()
  if (crc !== crc32(bytes, offset, offset + CHECKED_BYTES, seed)) return undefined
  const kind = reader.uint16() >>> 8 === KINDS.mark ? 'mark' : 'batch'
  const header = {
    kind,
    segment: reader.counter(),
    sequence: reader.counter(),
    durableUpTo: reader.counter(),
    firstSegment: reader.counter(),
    bodyBytes: reader.uint32(),
    recordCount: reader.uint32(),
    bodyCrc: reader.uint32(),
  } as const
  return header.segment === segment ? header : undefined
}

/** True if the records of a batch that starts at `offset` are undamaged. */
export function isBodyIntact(bytes: Uint8Array, offset: number, header: BatchHeader, seed: number): boolean {
  const start = offset + BATCH_HEADER_BYTES
  const end = start + header.bodyBytes
  if (end > bytes.length) return false
  return checksum(bytes, start, end, bodySeed(bytes.subarray(offset), seed)) === header.bodyCrc
}

function bodySeed(header: Uint8Array, seed: number): number {
  return crc32(header, IDENTITY_START, IDENTITY_END, seed)
}

function setCounter(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value >>> 0)
}

const EMPTY_HEADER = new Uint8Array(BATCH_HEADER_BYTES)
const PADDING = new Uint8Array(SECTOR_BYTES)
