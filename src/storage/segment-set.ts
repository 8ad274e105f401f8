import { assert, type FenbuError, isFenbuError, type Timer, type World } from '../base/index.ts'
import type { StreamPriority } from './commit-queue.ts'
import { type StorageErrorCode, storageError } from './errors.ts'
import type { ResolvedWriteAheadLogOptions } from './options.ts'
import type { RecoveredLog } from './recovery.ts'
import { createSegment, type Segment } from './segment.ts'

/** How often a log that lacks space looks again. */
const SPACE_CHECK_MS = 1000
/** Batches that must still fit before consensus streams are refused too. */
const RESERVED_BATCHES = 2
/** Segments that only consensus and copies may still use. */
const RESERVED_SEGMENTS = 3
/** A log may be live to one part in four: the rest is what copying forward needs to keep up. */
const LIVE_SHARE = 4

/** What stands in the way of another segment. */
interface Shortage {
  readonly code: 'STORAGE_DISK_FULL' | 'STORAGE_LOG_FULL'
  readonly message: string
  /** No segment can be made at all. */
  readonly hard: boolean
}

export interface SegmentSetEvents {
  /** The last batch that is durable: what a new segment may claim. */
  durableUpTo(): number
  failed(error: unknown): void
}

/** The files of a log: the ones it needs, the one it writes to, one in reserve. */
export class SegmentSet {
  readonly #events: SegmentSetEvents
  readonly #world: Pick<World, 'files' | 'timers'>
  readonly #folder: string
  readonly #logId: Uint8Array
  readonly #options: ResolvedWriteAheadLogOptions
  readonly #segments: Segment[]
  /** Freed in memory, not yet on disk. */
  readonly #retired: Segment[] = []
  #active: Segment
  #firstSegment: number
  #making: Promise<void> | undefined
  #shortage: Shortage | undefined
  #recheck: Timer | undefined
  #closed = false
  /** Of each file it makes: as asked for, or as much as a record takes that is there and must fit again. */
  readonly segmentBytes: number

  constructor(
    world: Pick<World, 'files' | 'timers'>,
    folder: string,
    recovered: Pick<RecoveredLog, 'logId' | 'segments' | 'active'>,
    options: ResolvedWriteAheadLogOptions,
    events: SegmentSetEvents,
  ) {
    this.#world = world
    this.#folder = folder
    this.#logId = recovered.logId
    this.#segments = recovered.segments
    this.#active = recovered.active
    this.#firstSegment = recovered.segments[0]!.id
    this.#options = options
    this.#events = events
    this.segmentBytes = Math.max(options.segmentBytes, bytesToHold(recovered.segments))
  }

  get active(): Segment {
    return this.#active
  }

  /** The oldest segment that recovery needs; goes into every batch. */
  get firstSegment(): number {
    return this.#firstSegment
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  /** Those that take no more batches. */
  get full(): readonly Segment[] {
    return this.#segments.slice(0, this.#segments.indexOf(this.#active))
  }

  /** Bytes of all files, also of those that are about to be removed. */
  get bytes(): number {
    return sum([...this.#segments, ...this.#retired], (segment) => segment.bytes)
  }

  get liveBytes(): number {
    return sum(this.#segments, (segment) => segment.liveBytes)
  }

  /** Why a write cannot be taken now. */
  refusal(priority: StreamPriority, waitingBytes: number): FenbuError<StorageErrorCode> | undefined {
    const shortage = this.#shortage
    if (!shortage) return undefined
    const room = this.#active.roomBytes - waitingBytes
    if (
      priority === 'consensus' &&
      (!shortage.hard || room >= RESERVED_BATCHES * this.#options.maxBatchBytes)
    )
      return undefined
    return storageError(shortage.code, shortage.message)
  }

  /**
   * Goes on to the next segment, waiting while it is being made; says why if there is no space for one. What gives
   * space back may go one segment beyond `maxLogBytes`: a log that is full must still be told what to let go.
   */
  async roll(givesBack: boolean): Promise<FenbuError<StorageErrorCode> | undefined> {
    if (!this.#spare) {
      this.prepare()
      await this.#making
    }
    if (!this.#spare && givesBack && this.#mayExceed) {
      this.#finishMaking(this.#create())
      await this.#making
    }
    if (this.#spare) {
      this.#active = this.#spare
      this.prepare()
      return undefined
    }
    assert(this.#shortage, 'a segment is made unless something is short')
    return storageError(this.#shortage.code, this.#shortage.message)
  }

  /** Makes the segment after the active one, unless it is there. */
  prepare(): void {
    if (this.#making || this.#closed || this.#spare) return
    this.#finishMaking(this.#make())
  }

  /** Gives back the oldest segments in which nothing lives; their files go once a durable batch says so. */
  retire(): void {
    while (this.#segments[0] !== this.#active && this.#segments[0]!.live === 0)
      this.#retired.push(this.#segments.shift()!)
    this.#firstSegment = this.#segments[0]!.id
  }

  get hasRetired(): boolean {
    return this.#retired.length > 0
  }

  /** Removes files that a durable batch no longer counts; `firstSegment` is what that batch said. */
  async remove(firstSegment: number): Promise<void> {
    while (this.#retired.length > 0 && this.#retired[0]!.id < firstSegment) {
      const segment = this.#retired.shift()!
      await segment.file.close()
      await this.#world.files.remove(segment.path)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#recheck?.cancel()
    await this.#making
    for (const segment of [...this.#segments, ...this.#retired]) await segment.file.close()
  }

  get #mayExceed(): boolean {
    return this.#shortage?.code === 'STORAGE_LOG_FULL' && this.bytes <= this.#options.maxLogBytes
  }

  get #spare(): Segment | undefined {
    return this.#segments[this.#segments.indexOf(this.#active) + 1]
  }

  /** Also sees how much space there is; with a segment in reserve this is all it does. */
  async #make(): Promise<void> {
    this.#shortage = await this.#findShortage()
    if (!this.#shortage?.hard && !this.#spare) await this.#create()
    if (this.#shortage && !this.#closed) this.#lookAgainLater()
  }

  async #create(): Promise<void> {
    const header = {
      logId: this.#logId,
      segment: this.#segments.at(-1)!.id + 1,
      bytes: this.segmentBytes,
      durableUpTo: this.#events.durableUpTo(),
      firstSegment: this.#firstSegment,
    }
    try {
      this.#segments.push(await createSegment(this.#world.files, this.#folder, header))
    } catch (error) {
      if (!isFenbuError(error, 'FILE_DISK_FULL')) throw error
      this.#shortage = { code: 'STORAGE_DISK_FULL', message: `${this.#folder}: ${error.message}`, hard: true }
    }
  }

  async #findShortage(): Promise<Shortage | undefined> {
    return this.#findLogShortage() ?? (await this.#findDiskShortage())
  }

  #findLogShortage(): Shortage | undefined {
    const { maxLogBytes } = this.#options
    const left = Math.floor((maxLogBytes - this.bytes) / this.segmentBytes)
    if (left >= RESERVED_SEGMENTS && this.liveBytes * LIVE_SHARE <= maxLogBytes) return undefined
    const message = `${this.#folder}: the log has ${this.bytes} bytes, ${Math.ceil(this.liveBytes)} of them live; maxLogBytes is ${maxLogBytes}`
    return { code: 'STORAGE_LOG_FULL', message, hard: left < 1 }
  }

  async #findDiskShortage(): Promise<Shortage | undefined> {
    const { minFreeBytes } = this.#options
    const left = (await this.#world.files.freeBytes(this.#folder)) - this.segmentBytes
    if (left >= minFreeBytes) return undefined
    const message = `${this.#folder}: a new segment would leave ${left} bytes free; minFreeBytes is ${minFreeBytes}`
    return { code: 'STORAGE_DISK_FULL', message, hard: left < minFreeBytes / 2 }
  }

  #lookAgainLater(): void {
    this.#recheck?.cancel()
    this.#recheck = this.#world.timers.after(SPACE_CHECK_MS, () => this.#lookAgain())
  }

  #lookAgain(): void {
    if (this.#making || this.#closed) return
    this.#finishMaking(this.#make())
  }

  #finishMaking(making: Promise<void>): void {
    this.#making = making
      .catch((error) => this.#events.failed(error))
      .finally(() => {
        this.#making = undefined
      })
  }
}

/** How large a segment must be to take any batch that stands in one of these. */
function bytesToHold(segments: readonly Segment[]): number {
  const largest = segments.reduce((most, { largestBatchBytes }) => Math.max(most, largestBatchBytes), 0)
  return Math.ceil((largest + BATCH_SLACK_BYTES) / BLOCK_BYTES) * BLOCK_BYTES
}

/** Header, mark, and by how much a record that stands alone is counted too high, with the longest name. */
const BATCH_SLACK_BYTES = 2048
const BLOCK_BYTES = 4096

function sum(segments: readonly Segment[], of: (segment: Segment) => number): number {
  return segments.reduce((total, segment) => total + of(segment), 0)
}
