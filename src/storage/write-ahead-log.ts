import { type AsyncClosable, assert, type FenbuError, type FolderLock, type World } from '../base/index.ts'
import { logSeed } from './batch-codec.ts'
import type { StreamPriority } from './commit-queue.ts'
import { CopyForward } from './copy-forward.ts'
import type { StorageErrorCode } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import { LogStream } from './log-stream.ts'
import { resolveWriteAheadLogOptions, type WriteAheadLogOptions } from './options.ts'
import type { LogRecord } from './record-codec.ts'
import { type RecoveredLog, recoverLog } from './recovery.ts'
import { readRun } from './run-reader.ts'
import { createSegment } from './segment.ts'
import { LOG_ID_BYTES } from './segment-codec.ts'
import { SegmentSet } from './segment-set.ts'
import { type BatchLocation, StreamState } from './stream-state.ts'

/** What a log needs of the world. */
export type StorageWorld = Pick<World, 'files' | 'timers' | 'random'>

export interface WriteAheadLogStatus {
  readonly segments: number
  readonly bytes: number
  /** About how many bytes of records are still needed. */
  readonly liveBytes: number
  readonly waitingBytes: number
  /** Records moved out of old segments since the log was opened. */
  readonly copiedRecords: number
  /** Batches made durable since the log was made. */
  readonly batches: number
}

/**
 * One log on disk for many streams of records: consensus groups, queues. It is not the store: whoever writes to it
 * keeps snapshots or files of its own and lets go of what those cover. Format, recovery and invariants:
 * docs/internals/storage.md.
 */
export class WriteAheadLog implements AsyncClosable {
  readonly #lock: FolderLock
  readonly #seed: number
  readonly #streams: Map<string, StreamState>
  readonly #handles = new Map<string, LogStream>()
  readonly #segments: SegmentSet
  readonly #commit: GroupCommit
  readonly #copyForward: CopyForward
  #removing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  /** Called once, when the disk failed: the node must stop, and find out at the next start what is there. */
  onFailure: (error: FenbuError<StorageErrorCode>) => void = () => undefined

  private constructor(
    world: StorageWorld,
    folder: string,
    lock: FolderLock,
    recovered: RecoveredLog,
    options: Required<WriteAheadLogOptions>,
  ) {
    this.#lock = lock
    this.#seed = recovered.seed
    this.#streams = recovered.streams
    for (const stream of this.#streams.values()) stream.resetWaiting()
    this.#segments = new SegmentSet(world, folder, recovered, options, {
      durableUpTo: () => this.#commit.durableUpTo,
      failed: (error) => this.#commit.fail(error),
    })
    this.#commit = new GroupCommit(this.#segments, world.timers, options, this.#seed, recovered.sequence, {
      durable: (records, location) => this.#apply(records, location),
      announced: (firstSegment) => this.#remove(firstSegment),
      refused: () => {
        for (const stream of this.#streams.values()) stream.resetWaiting()
      },
      failed: (error) => this.onFailure(error),
    })
    this.#copyForward = new CopyForward(this.#segments, options.maxBatchBytes / 2, {
      streams: () => this.#streams.values(),
      readRun: (run) => readRun(run, this.#seed),
      push: (copy) => this.#commit.pushCopy(copy),
      failed: (error) => this.#commit.fail(error),
    })
    this.#segments.prepare()
    this.#letGo()
  }

  /**
   * Opens the log in `folder`, recovering what was acknowledged, or makes a new one. Rejects with `FILE_LOCKED` if
   * a living process has it, with `STORAGE_CORRUPT`, `STORAGE_FOREIGN` or `STORAGE_VERSION` if its files cannot be
   * trusted, with another `FILE_…` if the disk fails.
   */
  static async open(
    world: StorageWorld,
    folder: string,
    options: WriteAheadLogOptions = {},
  ): Promise<WriteAheadLog> {
    const resolved = resolveWriteAheadLogOptions(options)
    await world.files.makeFolder(folder)
    const lock = await world.files.lock(folder)
    try {
      const recovered =
        (await recoverLog(world.files, folder)) ?? (await makeLog(world, folder, resolved.segmentBytes))
      return new WriteAheadLog(world, folder, lock, recovered, resolved)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /**
   * The stream of this name; it comes into being with its first write. `bulk` streams stand back when the disk is
   * busy or nearly full.
   */
  stream(name: string, priority: StreamPriority = 'consensus'): LogStream {
    const present = this.#handles.get(name)
    if (present) return present
    let state = this.#streams.get(name)
    if (!state) {
      state = new StreamState(name)
      this.#streams.set(name, state)
    }
    const handle = new LogStream(state, priority, this.#commit, this.#seed)
    this.#handles.set(name, handle)
    return handle
  }

  /** Names of the streams that hold something. */
  streamNames(): string[] {
    return [...this.#streams.values()].filter((stream) => !stream.isEmpty).map(({ name }) => name)
  }

  get failure(): FenbuError<StorageErrorCode> | undefined {
    return this.#commit.failure
  }

  status(): WriteAheadLogStatus {
    return {
      segments: this.#segments.all.length,
      bytes: this.#segments.bytes,
      liveBytes: Math.round(this.#segments.liveBytes),
      waitingBytes: this.#commit.waitingBytes,
      copiedRecords: this.#copyForward.copiedRecords,
      batches: this.#commit.durableUpTo,
    }
  }

  /** Writes what waits, then gives the folder back. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#copyForward.stop()
    await this.#commit.close()
    await this.#removing
    await this.#segments.close()
    await this.#lock.release()
  }

  #apply(records: readonly LogRecord[], location: BatchLocation): void {
    for (const record of records) {
      const stream = this.#streams.get(record.stream)
      assert(stream, `stream ${record.stream} was written to`)
      stream.apply(record, location)
      if (record.type === 'drop') this.#forget(record.stream)
    }
    this.#letGo()
  }

  /** Gives back the files that nothing lives in, and sees whether more can be emptied. */
  #letGo(): void {
    this.#segments.retire()
    if (this.#segments.hasRetired) this.#commit.announce()
    this.#copyForward.consider()
  }

  #forget(name: string): void {
    this.#streams.delete(name)
    this.#handles.delete(name)
  }

  #remove(firstSegment: number): void {
    if (!this.#segments.hasRetired) return
    this.#removing = this.#removing
      .then(() => this.#segments.remove(firstSegment))
      .catch((error) => this.#commit.fail(error))
  }
}

async function makeLog(world: StorageWorld, folder: string, segmentBytes: number): Promise<RecoveredLog> {
  const logId = new Uint8Array(LOG_ID_BYTES)
  for (let i = 0; i < LOG_ID_BYTES; i++) logId[i] = world.random.uint32()
  const header = { logId, segment: 1, bytes: segmentBytes, durableUpTo: 0, firstSegment: 1 }
  const first = await createSegment(world.files, folder, header)
  return {
    logId,
    seed: logSeed(logId),
    segments: [first],
    active: first,
    sequence: 0,
    firstSegment: 1,
    streams: new Map(),
  }
}
