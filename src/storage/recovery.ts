import type { FenbuError, Files } from '../base/index.ts'
import { ByteWriter } from '../bytes/index.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, beginBatch, finishBatch, logSeed } from './batch-codec.ts'
import { type StorageErrorCode, storageError } from './errors.ts'
import { decodeRecords, type LogRecord } from './record-codec.ts'
import { isUnfinishedSegment, Segment, segmentIdOf, segmentName, writeZeros } from './segment.ts'
import { decodeSegmentHeader, SECTOR_BYTES, type SegmentHeader } from './segment-codec.ts'
import { readBatch, walkSegment } from './segment-walk.ts'
import { type BatchLocation, StreamState } from './stream-state.ts'

export interface RecoveredLog {
  readonly logId: Uint8Array
  readonly seed: number
  /** From the oldest that is needed, in order; never empty. */
  readonly segments: Segment[]
  /** The one that takes the next batch; those after it are empty. */
  readonly active: Segment
  /** The last batch; it is durable. */
  readonly sequence: number
  readonly firstSegment: number
  readonly streams: Map<string, StreamState>
}

/**
 * Reads a log back; undefined if the folder holds none. The rule (docs/internals/storage.md): damage at or below
 * the highest `durableUpTo` that any undamaged header claims is corruption and refused. Damage above it is a tail
 * that nobody was told of and is cut, even where undamaged batches follow. What is kept above it is written again
 * and synced before anyone acts on it: it may be in the page cache only.
 */
export async function recoverLog(files: Files, folder: string): Promise<RecoveredLog | undefined> {
  const found = await openSegments(files, folder)
  const newest = found.at(-1)
  if (!newest) return undefined
  try {
    checkIdentity(found, newest.header.logId)
    return await new Recovery(files, folder, found, newest.header.logId).run()
  } catch (error) {
    for (const { segment } of found) await segment.file.close()
    throw error
  }
}

interface FoundSegment {
  readonly segment: Segment
  readonly header: SegmentHeader
  /** End of the last sector that holds something which is not part of the log. */
  dirtyUpTo: number
}

class Recovery {
  readonly #files: Files
  readonly #folder: string
  readonly #logId: Uint8Array
  readonly #seed: number
  readonly #streams = new Map<string, StreamState>()
  #found: FoundSegment[]
  #firstSegment = 0
  /** The highest sequence that an undamaged header claims to be durable. */
  #durableUpTo = 0
  /** The last batch of the unbroken chain, and where it is. */
  #sequence: number | undefined
  #last: BatchLocation | undefined

  constructor(files: Files, folder: string, found: FoundSegment[], logId: Uint8Array) {
    this.#files = files
    this.#folder = folder
    this.#found = found
    this.#logId = logId
    this.#seed = logSeed(logId)
  }

  async run(): Promise<RecoveredLog> {
    await this.#findFirstSegment()
    const leftovers = this.#setAsideLeftovers()
    for (const { header: made } of this.#found)
      this.#durableUpTo = Math.max(this.#durableUpTo, made.durableUpTo)
    for (const found of this.#found) await this.#follow(found)
    const sequence = this.#sequence ?? 0
    if (sequence < this.#durableUpTo) throw this.#damage(sequence)
    this.#checkStreams()
    const active = this.#found.find(({ segment }) => segment === this.#last?.segment) ?? this.#found[0]!
    await this.#settle(active, sequence)
    // Not before the mark is durable: what says that they are not needed may have been in the page cache only.
    for (const { segment } of leftovers) {
      await segment.file.close()
      await this.#files.remove(segment.path)
    }
    return {
      logId: this.#logId,
      seed: this.#seed,
      segments: this.#found.map(({ segment }) => segment),
      active: active.segment,
      sequence,
      firstSegment: this.#firstSegment,
      streams: this.#streams,
    }
  }

  /** The newest headers know which segments were still in use; it is true even if their records are torn. */
  async #findFirstSegment(): Promise<void> {
    for (const { header } of this.#found) this.#noteFirst(header.firstSegment)
    for (const { segment } of this.#found.toReversed()) {
      let isEmpty = true
      await walkSegment(segment, this.#seed, {
        header: (header) => {
          isEmpty = false
          this.#noteFirst(header.firstSegment)
        },
        dirt: () => undefined,
      })
      if (!isEmpty) return
    }
  }

  #noteFirst(segment: number): void {
    this.#firstSegment = Math.max(this.#firstSegment, segment)
  }

  /** A removal that was not synced may have brought old segments back, some of them or all. */
  #setAsideLeftovers(): FoundSegment[] {
    const leftovers = this.#found.filter(({ segment }) => segment.id < this.#firstSegment)
    this.#found = this.#found.filter(({ segment }) => segment.id >= this.#firstSegment)
    for (let i = 0; i < Math.max(1, this.#found.length); i++) {
      const expected = this.#firstSegment + i
      if (this.#found[i]?.segment.id !== expected)
        throw corrupt(`${this.#folder}/${segmentName(expected)} is missing; a later part of the log needs it`)
    }
    return leftovers
  }

  /** Takes over what continues the chain, and notes every claim and all dirt behind it. */
  async #follow(found: FoundSegment): Promise<void> {
    await walkSegment(found.segment, this.#seed, {
      header: (header, at, batch) => {
        this.#durableUpTo = Math.max(this.#durableUpTo, header.durableUpTo)
        // Whatever stands first in the first segment tells where the chain begins.
        if (at === SECTOR_BYTES) this.#sequence ??= header.sequence - 1
        const isNext = batch !== undefined && this.#isNext(found, header, at)
        if (isNext && header.kind === 'batch') this.#take(found.segment, header, at, batch)
        else if (!isNext) found.dirtyUpTo = at + (batch?.length ?? SECTOR_BYTES)
      },
      dirt: (at) => {
        found.dirtyUpTo = at + SECTOR_BYTES
      },
    })
    // A first segment without batches belongs to a log that has none yet, or its first batch is damaged.
    this.#sequence ??= found.header.durableUpTo
  }

  #isNext(found: FoundSegment, header: BatchHeader, at: number): boolean {
    if (at !== found.segment.end) return false
    return header.sequence === (this.#sequence ?? 0) + 1
  }

  #take(segment: Segment, header: BatchHeader, at: number, batch: Uint8Array): void {
    const location = { segment, at, bytes: batch.length }
    for (const record of this.#recordsOf(batch, header, segment, at)) this.#apply(record, location)
    segment.end = at + batch.length
    segment.largestBatchBytes = Math.max(segment.largestBatchBytes, batch.length)
    this.#sequence = header.sequence
    this.#last = location
  }

  #recordsOf(batch: Uint8Array, header: BatchHeader, segment: Segment, at: number): LogRecord[] {
    try {
      return decodeRecords(
        batch,
        BATCH_HEADER_BYTES,
        BATCH_HEADER_BYTES + header.bodyBytes,
        header.recordCount,
      )
    } catch (cause) {
      throw storageError('STORAGE_CORRUPT', `${segment.path}: the batch at byte ${at} cannot be read`, {
        cause,
      })
    }
  }

  #apply(record: LogRecord, location: BatchLocation): void {
    let stream = this.#streams.get(record.stream)
    if (!stream) {
      stream = new StreamState(record.stream)
      this.#streams.set(record.stream, stream)
    }
    stream.apply(record, location)
    if (record.type === 'drop') this.#streams.delete(record.stream)
  }

  #damage(sequence: number): FenbuError<StorageErrorCode> {
    const place = this.#found.find(({ segment, dirtyUpTo }) => dirtyUpTo > segment.end) ?? this.#found.at(-1)!
    return corrupt(
      `${place.segment.path}: damaged at byte ${place.segment.end}; batch ${sequence + 1} should be there, ` +
        `and up to ${this.#durableUpTo} everything was acknowledged`,
    )
  }

  #checkStreams(): void {
    for (const stream of this.#streams.values()) {
      const gap = stream.firstGap()
      if (gap !== undefined)
        throw corrupt(`${this.#folder}: record ${gap} of stream ${JSON.stringify(stream.name)} is missing`)
    }
  }

  /** Makes durable what was kept, says so in a mark, then clears what was cut. */
  async #settle(active: FoundSegment, sequence: number): Promise<void> {
    if (this.#last && sequence > this.#durableUpTo) await this.#rewrite(this.#last)
    if (this.#last) await this.#mark(active.segment, sequence)
    for (const found of this.#found) {
      const clean = found.segment.end + (found === active ? SECTOR_BYTES : 0)
      if (found.segment.id < active.segment.id || found.dirtyUpTo <= clean) continue
      await writeZeros(found.segment.file, clean, found.dirtyUpTo)
      await found.segment.file.datasync()
    }
  }

  async #rewrite({ segment, at, bytes }: BatchLocation): Promise<void> {
    const batch = await readBatch(segment, at, bytes, this.#seed)
    if (!batch) throw corrupt(`${segment.path}: the batch at byte ${at} changed while it was read`)
    await segment.file.writeDurably(at, batch)
  }

  async #mark(segment: Segment, sequence: number): Promise<void> {
    const place = { segment: segment.id, durableUpTo: sequence, firstSegment: this.#firstSegment }
    await segment.file.writeDurably(segment.end, encodeMark({ ...place, sequence: sequence + 1 }, this.#seed))
  }
}

/** A mark for the place where batch `sequence` will be. */
export function encodeMark(
  place: Pick<BatchHeader, 'segment' | 'sequence' | 'durableUpTo' | 'firstSegment'>,
  seed: number,
): Uint8Array {
  const writer = new ByteWriter(SECTOR_BYTES)
  beginBatch(writer)
  return finishBatch(writer, { ...place, kind: 'mark' }, 0, seed)
}

/** Opens every segment in the folder, in order; files that were never finished are removed. */
async function openSegments(files: Files, folder: string): Promise<FoundSegment[]> {
  const found: FoundSegment[] = []
  // What the list shows may be in memory only, left by a process that died before it synced the folder.
  await files.syncFolder(folder)
  for (const name of await files.list(folder)) {
    if (isUnfinishedSegment(name)) await files.remove(`${folder}/${name}`)
    const id = segmentIdOf(name)
    if (id !== undefined) found.push(await openSegment(files, `${folder}/${name}`, id))
  }
  return found
}

async function openSegment(files: Files, path: string, id: number): Promise<FoundSegment> {
  const file = await files.open(path, 'write')
  try {
    const header = decodeSegmentHeader(await file.read(0, SECTOR_BYTES), path)
    const size = await file.size()
    if (header.segment !== id) throw corrupt(`${path} holds segment ${header.segment}`)
    if (header.bytes !== size)
      throw corrupt(`${path} is ${size} bytes long; it was made with ${header.bytes}`)
    return { segment: new Segment(path, file, header), header, dirtyUpTo: 0 }
  } catch (error) {
    await file.close()
    throw error
  }
}

function checkIdentity(found: readonly FoundSegment[], logId: Uint8Array): void {
  for (const { header, segment } of found) {
    if (!header.logId.every((byte, i) => byte === logId[i]))
      throw storageError('STORAGE_FOREIGN', `${segment.path} belongs to another log; move it away`)
  }
}

function corrupt(message: string): FenbuError<StorageErrorCode> {
  return storageError('STORAGE_CORRUPT', message)
}
