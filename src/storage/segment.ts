import { assert, type Files, type OpenFile } from '../base/index.ts'
import { BATCH_HEADER_BYTES } from './batch-codec.ts'
import { encodeSegmentHeader, SECTOR_BYTES, type SegmentHeader } from './segment-codec.ts'

const NAME = /^(\d{12})\.wal$/
/** Zeros are written in pieces of this size, so that other work gets its turn at the disk. */
const ZERO_BYTES = 1 << 20
const ZEROS = new Uint8Array(ZERO_BYTES)

/** One file of the log. It has its full length from the start, so that a sync need not write file sizes. */
export class Segment {
  readonly id: number
  readonly path: string
  readonly bytes: number
  readonly file: OpenFile
  /** Where the next batch goes. */
  end: number = SECTOR_BYTES
  /** Runs and stream values that live here; the segment is needed until this is zero. */
  live = 0
  /** About how many bytes of records live here. */
  liveBytes = 0
  /** What stands in it takes at least this to be written anew. */
  largestBatchBytes = 0

  constructor(path: string, file: OpenFile, header: SegmentHeader) {
    this.id = header.segment
    this.path = path
    this.bytes = header.bytes
    this.file = file
  }

  /** Room for a batch of this many bytes; a sector is kept for the mark that may follow it. */
  hasRoomFor(bytes: number): boolean {
    return this.end + bytes + SECTOR_BYTES <= this.bytes
  }

  get roomBytes(): number {
    return Math.max(0, this.bytes - this.end - SECTOR_BYTES)
  }

  /** The most that the records of one more batch may take. */
  get batchRoomBytes(): number {
    return this.roomBytes - BATCH_HEADER_BYTES
  }

  get isFresh(): boolean {
    return this.end === SECTOR_BYTES
  }
}

/** The most that the records of one batch may take in an empty segment of this size: padded, and with its mark. */
export function batchRoomOf(segmentBytes: number): number {
  return segmentBytes - 2 * SECTOR_BYTES - BATCH_HEADER_BYTES
}

export function segmentName(id: number): string {
  return `${String(id).padStart(12, '0')}.wal`
}

/** The id in a segment's name; undefined for other files. */
export function segmentIdOf(name: string): number | undefined {
  const match = NAME.exec(name)
  return match ? Number(match[1]) : undefined
}

/** A file that was being made when the process died. */
export function isUnfinishedSegment(name: string): boolean {
  return /^\d{12}\.wal\.new$/.test(name)
}

/**
 * Makes a segment: zeros and header synced under a temporary name, renamed, folder synced. So a file with a
 * segment's name is always complete, and zeros in it mean "never written".
 */
export async function createSegment(files: Files, folder: string, header: SegmentHeader): Promise<Segment> {
  const path = `${folder}/${segmentName(header.segment)}`
  const unfinished = `${path}.new`
  const file = await files.open(unfinished, 'create')
  try {
    await writeZeros(file, 0, header.bytes)
    await file.write(0, encodeSegmentHeader(header))
    await file.datasync()
  } catch (error) {
    await file.close()
    await files.remove(unfinished)
    throw error
  }
  await files.rename(unfinished, path)
  await files.syncFolder(folder)
  return new Segment(path, file, header)
}

export async function writeZeros(file: OpenFile, from: number, to: number): Promise<void> {
  assert(from <= to, `zeros from ${from} to ${to}`)
  for (let at = from; at < to; at += ZERO_BYTES)
    await file.write(at, ZEROS.subarray(0, Math.min(ZERO_BYTES, to - at)))
}
