import { assert, type FenbuError, type Timer, type Timers } from '../base/index.ts'
import { ByteWriter } from '../bytes/index.ts'
import { BatchBuilder } from './batch-builder.ts'
import { type BatchPlace, beginBatch, finishBatch } from './batch-codec.ts'
import { CommitQueue, type CommitUnit, type CopyUnit, type StreamPriority } from './commit-queue.ts'
import { type StorageErrorCode, storageError } from './errors.ts'
import type { ResolvedWriteAheadLogOptions } from './options.ts'
import type { LogRecord } from './record-codec.ts'
import { encodeMark } from './recovery.ts'
import { batchRoomOf } from './segment.ts'
import type { SegmentSet } from './segment-set.ts'
import type { BatchLocation } from './stream-state.ts'

/** The buffer that batches are built in; it grows to the largest batch so far. */
const WRITER_BYTES = 1 << 20

/** A batch that was built and is on its way to the disk. */
interface Batch {
  readonly bytes: Uint8Array
  readonly place: BatchPlace
  readonly records: readonly LogRecord[]
  readonly units: readonly CommitUnit[]
  readonly copies: readonly CopyUnit[]
}

export interface GroupCommitEvents {
  /** A batch is durable; comes before those who wait for it are told. */
  durable(records: readonly LogRecord[], location: BatchLocation): void
  /** A batch or mark that names this as the oldest segment needed is durable. */
  announced(firstSegment: number): void
  /** Units were refused for want of space; nothing of theirs was written. */
  refused(units: readonly CommitUnit[]): void
  failed(error: FenbuError<StorageErrorCode>): void
}

/**
 * Turns what waits into batches: one write and one sync at a time, and whoever arrives meanwhile shares the next
 * one. Nobody is told anything before the sync returned. The first failure ends it for good: a sync that failed
 * may have dropped the pages, and the next one would report success.
 */
export class GroupCommit {
  readonly #segments: SegmentSet
  readonly #timers: Timers
  readonly #options: ResolvedWriteAheadLogOptions
  readonly #seed: number
  readonly #events: GroupCommitEvents
  readonly #queue = new CommitQueue()
  readonly #copies: CopyUnit[] = []
  readonly #writer: ByteWriter
  #sequence: number
  #running: Promise<void> | undefined
  #failure: FenbuError<StorageErrorCode> | undefined
  #closed = false
  #markTimer: Timer | undefined
  /** Whether the disk says what this log knows: that the last batch is durable, and which segments are needed. */
  #marked = true
  #markDue = false
  /** The last batch held a copy and had no room for the unit that waited: now the unit goes first. */
  #passedOver = false

  constructor(
    segments: SegmentSet,
    timers: Timers,
    options: ResolvedWriteAheadLogOptions,
    seed: number,
    sequence: number,
    events: GroupCommitEvents,
  ) {
    this.#segments = segments
    this.#timers = timers
    this.#options = options
    this.#seed = seed
    this.#sequence = sequence
    this.#events = events
    this.#writer = new ByteWriter(WRITER_BYTES)
  }

  /** The last batch that is durable. */
  get durableUpTo(): number {
    return this.#sequence
  }

  get waitingBytes(): number {
    return this.#queue.bytes
  }

  /** The largest unit that is ever taken. */
  get maxUnitBytes(): number {
    return Math.min(this.#options.maxBatchBytes, this.#options.maxPendingBytes)
  }

  get failure(): FenbuError<StorageErrorCode> | undefined {
    return this.#failure
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Why a write of this many bytes cannot be taken now; one that only lets go of records needs no space. */
  refusal(
    bytes: number,
    priority: StreamPriority,
    addsRecords: boolean,
  ): FenbuError<StorageErrorCode> | undefined {
    const { maxBatchBytes, maxPendingBytes } = this.#options
    if (this.#failure) return notExecuted(this.#failure)
    if (this.#closed) return storageError('STORAGE_CLOSED', 'the log was closed by this process')
    if (bytes > maxBatchBytes)
      return storageError('STORAGE_TOO_LARGE', `a write of ${bytes} bytes; maxBatchBytes is ${maxBatchBytes}`)
    if (this.#queue.bytes + bytes > maxPendingBytes)
      return storageError(
        'STORAGE_OVERLOADED',
        `${this.#queue.bytes} bytes wait for the disk; maxPendingBytes is ${maxPendingBytes}`,
      )
    return addsRecords ? this.#segments.refusal(priority, this.#queue.bytes) : undefined
  }

  push(unit: CommitUnit, priority: StreamPriority): void {
    this.#queue.push(unit, priority)
    this.#start()
  }

  pushCopy(copy: CopyUnit): void {
    if (this.#failure) {
      copy.done(this.#failure)
      return
    }
    assert(copy.bytes <= batchRoomOf(this.#segments.segmentBytes), 'a copy fits into a segment')
    this.#copies.push(copy)
    this.#start()
  }

  /** Has the disk told soon, when there is nothing else to write, which segments are needed. */
  announce(): void {
    this.#marked = false
    if (!this.#running) this.#armMark()
  }

  /** Takes no more, writes what waits, and notes that all of it is durable. */
  async close(): Promise<void> {
    this.#closed = true
    this.#markTimer?.cancel()
    await this.#running
    if (!this.#failure && !this.#marked) {
      this.#markDue = true
      this.#start()
      await this.#running
    }
    this.#markTimer?.cancel()
  }

  /** Ends it from outside: another part of the log saw the disk fail. */
  fail(cause: unknown): void {
    if (this.#failure) return
    this.#failure = storageError('STORAGE_FAILED', 'the log failed and takes no more writes', { cause })
    this.#events.failed(this.#failure)
    for (const unit of this.#queue.takeAll()) unit.done(notExecuted(this.#failure))
    for (const copy of this.#copies.splice(0)) copy.done(this.#failure)
  }

  #start(): void {
    if (this.#running || this.#failure) return
    this.#markTimer?.cancel()
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    try {
      // One turn of the microtask queue: callers that were just told, or push in a row, share the batch.
      for (await undefined; !this.#failure && this.#isBusy; await undefined)
        if (!this.#queue.isEmpty || this.#copies.length > 0) await this.#commitNext()
        else await this.#writeMark()
    } catch (error) {
      this.fail(error)
    } finally {
      // In the same turn as the last look at the queue: whoever comes after it starts anew.
      this.#running = undefined
      if (!this.#marked && !this.#closed) this.#armMark()
    }
  }

  get #isBusy(): boolean {
    return !this.#queue.isEmpty || this.#copies.length > 0 || this.#markDue
  }

  async #commitNext(): Promise<void> {
    const segment = this.#segments.active
    const batch = this.#build()
    if (!batch) return this.#roll()
    const at = segment.end
    try {
      assert(segment.hasRoomFor(batch.bytes.length), `${segment.path} has room for what was taken`)
      await segment.file.writeDurably(at, batch.bytes)
    } catch (cause) {
      this.#failBatch(batch, cause)
      return
    }
    assert(batch.place.sequence === this.#sequence + 1, 'one batch at a time')
    this.#sequence = batch.place.sequence
    segment.end = at + batch.bytes.length
    this.#marked = false
    this.#events.durable(batch.records, { segment, at, bytes: batch.bytes.length })
    this.#events.announced(batch.place.firstSegment)
    for (const copy of batch.copies) copy.done()
    for (const unit of batch.units) unit.done()
  }

  /** Fills a batch; undefined if the active segment has no room for what is next. */
  #build(): Batch | undefined {
    const room = this.#segments.active.batchRoomBytes
    const copies = this.#takeCopies(room)
    const copied = copies[0]?.bytes ?? 0
    const units = this.#queue.take(Math.min(this.#options.maxBatchBytes, room) - copied)
    this.#passedOver = copied > 0 && units.length === 0 && !this.#queue.isEmpty
    if (copies.length + units.length === 0) return undefined
    beginBatch(this.#writer)
    const builder = new BatchBuilder(this.#writer)
    for (const copy of copies) builder.addCopy(copy)
    for (const unit of units) builder.addUnit(unit)
    builder.finish()
    const place = this.#nextPlace('batch')
    const bytes = finishBatch(this.#writer, place, builder.records.length, this.#seed)
    return { bytes, place, records: builder.records, units, copies }
  }

  /** One at most: copying goes on beside the work of the day, neither starved by it nor in its way. */
  #takeCopies(room: number): CopyUnit[] {
    const [copy] = this.#passedOver ? [] : this.#copies
    return copy && copy.bytes <= room ? this.#copies.splice(0, 1) : []
  }

  #nextPlace(kind: BatchPlace['kind']): BatchPlace {
    return {
      kind,
      segment: this.#segments.active.id,
      sequence: this.#sequence + 1,
      durableUpTo: this.#sequence,
      firstSegment: this.#segments.firstSegment,
    }
  }

  async #roll(): Promise<void> {
    const { active } = this.#segments
    // Nothing larger than a fresh segment is ever taken; else this would go from segment to segment for ever.
    assert(
      !active.isFresh || active.bytes < this.#segments.segmentBytes,
      `${active.path} is empty and has room for nothing that waits`,
    )
    const shortage = await this.#segments.roll(!this.#queue.addsRecords)
    if (!shortage) return
    const refused = this.#queue.takeAll()
    this.#events.refused(refused)
    for (const unit of refused) unit.done(shortage)
    for (const copy of this.#copies.splice(0)) copy.done(shortage)
  }

  #armMark(): void {
    this.#markTimer?.cancel()
    this.#markTimer = this.#timers.after(this.#options.markAfterMs, () => {
      this.#markDue = true
      this.#start()
    })
  }

  async #writeMark(): Promise<void> {
    this.#markDue = false
    const { active } = this.#segments
    const place = this.#nextPlace('mark')
    await active.file.writeDurably(active.end, encodeMark(place, this.#seed))
    this.#marked = place.firstSegment === this.#segments.firstSegment
    this.#events.announced(place.firstSegment)
  }

  #failBatch(batch: Batch, cause: unknown): void {
    this.fail(cause)
    for (const unit of batch.units) unit.done(this.#failure!)
    for (const copy of batch.copies) copy.done(this.#failure!)
  }
}

function notExecuted(failure: FenbuError<StorageErrorCode>): FenbuError<StorageErrorCode> {
  return storageError(failure.code, failure.message, { cause: failure.cause, outcome: 'not-executed' })
}
