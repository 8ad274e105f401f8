import { ByteReader, ByteWriter, crc32 } from '../bytes/index.ts'
import { storageError } from './errors.ts'

// The first sector of a segment file, big-endian:
//
//   0  8  magic "FENBUWAL"
//   8  2  format version
//  10  6  zero
//  16 16  log id: drawn when the log was made; every CRC of the log is seeded with it
//  32  8  segment id, counted from 1
//  40  8  bytes of the file
//  48  8  durableUpTo when the segment was made
//  56  8  firstSegment when the segment was made
//  64  4  CRC-32 of bytes 0 to 63

/** The unit in which a disk writes whole or not at all; batches start at multiples of it. */
export const SECTOR_BYTES = 512
const LOG_FORMAT_VERSION = 1
export const LOG_ID_BYTES = 16

const MAGIC = new TextEncoder().encode('FENBUWAL')
const CHECKED_BYTES = 64

export interface SegmentHeader {
  readonly logId: Uint8Array
  readonly segment: number
  readonly bytes: number
  /** Every batch up to this sequence was durable when the segment was made. */
  readonly durableUpTo: number
  /** The oldest segment that recovery needed when the segment was made. */
  readonly firstSegment: number
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const writer = new ByteWriter(SECTOR_BYTES)
  writer.bytes(MAGIC)
  writer.uint16(LOG_FORMAT_VERSION)
  writer.bytes(new Uint8Array(6))
  writer.bytes(header.logId)
  writer.counter(header.segment)
  writer.counter(header.bytes)
  writer.counter(header.durableUpTo)
  writer.counter(header.firstSegment)
  writer.uint32(crc32(writer.view()))
  writer.bytes(new Uint8Array(SECTOR_BYTES - writer.length))
  return writer.copyAndReset()
}

/** Throws `STORAGE_FOREIGN`, `STORAGE_VERSION` or `STORAGE_CORRUPT`; `path` is for their messages. */
export function decodeSegmentHeader(sector: Uint8Array, path: string): SegmentHeader {
  if (sector.length < SECTOR_BYTES)
    throw storageError('STORAGE_CORRUPT', `${path} ends at byte ${sector.length}, inside its header`)
  const reader = new ByteReader(sector)
  if (!MAGIC.every((byte) => byte === reader.uint8()))
    throw storageError('STORAGE_FOREIGN', `${path} is not a segment of a fenbu log; move it away`)
  const version = reader.uint16()
  if (version !== LOG_FORMAT_VERSION)
    throw storageError(
      'STORAGE_VERSION',
      `${path} has format version ${version}; this fenbu reads ${LOG_FORMAT_VERSION}`,
    )
  reader.skip(6)
  if (crc32(sector, 0, CHECKED_BYTES) !== new ByteReader(sector, CHECKED_BYTES).uint32())
    throw storageError('STORAGE_CORRUPT', `${path}: the header at byte 0 is damaged`)
  return {
    logId: reader.bytes(LOG_ID_BYTES).slice(),
    segment: reader.counter(),
    bytes: reader.counter(),
    durableUpTo: reader.counter(),
    firstSegment: reader.counter(),
  }
}
