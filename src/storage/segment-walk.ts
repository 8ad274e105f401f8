import type { OpenFile } from '../base/index.ts'
import { type BatchHeader, decodeBatchHeader, isBodyIntact, paddedBytes } from './batch-codec.ts'
import type { Segment } from './segment.ts'
import { SECTOR_BYTES } from './segment-codec.ts'

/** How much of a segment is in memory at once, or one batch if that is longer. */
const WINDOW_BYTES = 1 << 20

export interface SegmentVisitor {
  /** An undamaged header. `batch` is the whole batch if its records are undamaged too; valid during the call. */
  header(header: BatchHeader, at: number, batch: Uint8Array | undefined): void
  /** A sector that is neither zeros nor an undamaged header, outside of undamaged batches. */
  dirt(at: number): void
}

/** Reads a segment once from front to back and reports every batch in it, also behind damage. */
export async function walkSegment(segment: Segment, seed: number, visitor: SegmentVisitor): Promise<void> {
  const window = new FileWindow(segment.file, segment.bytes)
  for (let at = SECTOR_BYTES; at < segment.bytes; ) {
    await window.cover(at, SECTOR_BYTES)
    const next = window.afterZeros(at)
    if (next > at) {
      at = next
      continue
    }
    const header = decodeBatchHeader(window.bytes, at - window.start, segment.id, seed)
    const batch = header && (await intactBatch(window, at, header, seed))
    if (header) visitor.header(header, at, batch)
    else visitor.dirt(at)
    at += batch?.length ?? SECTOR_BYTES
  }
}

/** Reads one batch that is known to be there; undefined if it is damaged. */
export async function readBatch(
  segment: Segment,
  at: number,
  bytes: number,
  seed: number,
): Promise<Uint8Array | undefined> {
  const batch = await segment.file.read(at, bytes)
  const header = decodeBatchHeader(batch, 0, segment.id, seed)
  return header && isBodyIntact(batch, 0, header, seed) ? batch : undefined
}

async function intactBatch(
  window: FileWindow,
  at: number,
  header: BatchHeader,
  seed: number,
): Promise<Uint8Array | undefined> {
  const bytes = paddedBytes(header.bodyBytes)
  if (at + bytes > window.fileBytes) return undefined
  await window.cover(at, bytes)
  const offset = at - window.start
  return isBodyIntact(window.bytes, offset, header, seed)
    ? window.bytes.subarray(offset, offset + bytes)
    : undefined
}

/** The part of a file that is in memory. */
class FileWindow {
  readonly fileBytes: number
  readonly #file: OpenFile
  start = 0
  bytes: Uint8Array = new Uint8Array(0)
  /** The same memory in words: a log is mostly zeros, and they are passed over four bytes at a time. */
  #words: Uint32Array = new Uint32Array(0)

  constructor(file: OpenFile, fileBytes: number) {
    this.#file = file
    this.fileBytes = fileBytes
  }

  async cover(at: number, length: number): Promise<void> {
    if (at >= this.start && at + length <= this.start + this.bytes.length) return
    const bytes = await this.#file.read(at, Math.min(Math.max(WINDOW_BYTES, length), this.fileBytes - at))
    this.start = at
    this.bytes = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
    this.#words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >>> 2)
  }

  /** The first sector from `at` on, within the window, that is not zeros; the end of the window if all are. */
  afterZeros(at: number): number {
    let word = (at - this.start) >>> 2
    while (word < this.#words.length && this.#words[word] === 0) word++
    return this.start + word * 4 - ((word * 4) % SECTOR_BYTES)
  }
}
