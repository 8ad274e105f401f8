import { assert, type FenbuError } from '../base/index.ts'
import type { StreamPriority, StreamWrite, UnitWrite, WriteEnd } from './commit-queue.ts'
import { type StorageErrorCode, storageError } from './errors.ts'
import type { GroupCommit } from './group-commit.ts'
import { recordBytesAtMost } from './record-codec.ts'
import type { Run } from './run-index.ts'
import { readRun } from './run-reader.ts'
import type { StreamState } from './stream-state.ts'

/**
 * One sequence of records in the log, counted from 1 without gaps, and one small state beside it. Indices are
 * those of the log's user; what was truncated at the end is used again, what was let go at the front is not.
 */
export class LogStream {
  readonly #state: StreamState
  readonly #priority: StreamPriority
  readonly #commit: GroupCommit
  readonly #seed: number
  #dropped = false

  constructor(state: StreamState, priority: StreamPriority, commit: GroupCommit, seed: number) {
    this.#state = state
    this.#priority = priority
    this.#commit = commit
    this.#seed = seed
  }

  get name(): string {
    return this.#state.name
  }

  /** Index of the first record kept; one above `lastIndex` if there is none. */
  get firstIndex(): number {
    return this.#state.baseWaiting + 1
  }

  /** Index of the last record, also if it still waits to be written. */
  get lastIndex(): number {
    return this.#state.lastWaiting
  }

  /** Index of the last record that is durable. */
  get durableIndex(): number {
    return this.#state.lastIndex
  }

  /** The state that was last made durable. */
  get state(): Uint8Array | undefined {
    return this.#state.state
  }

  /** The largest record that is ever taken, alone in its unit: some 20 bytes and the name less than `maxBatchBytes`. */
  get maxRecordBytes(): number {
    return this.#commit.maxUnitBytes - bytesAtMost(this.#state.nameBytes, { records: [EMPTY] })
  }

  /** Why a write of this many bytes would not be taken now; undefined if it would. */
  refusal(bytes: number): FenbuError<StorageErrorCode> | undefined {
    return this.#commit.refusal(bytes, this.#priority, true)
  }

  /**
   * Queues one unit; `end` is called once, without an error when it is durable, in the order of the writes of this
   * stream. Until then its byte arrays must not change. Throws, with nothing queued, `STORAGE_OVERLOADED`,
   * `STORAGE_TOO_LARGE`, `STORAGE_DISK_FULL`, `STORAGE_LOG_FULL`, `STORAGE_FAILED` or `STORAGE_CLOSED`.
   */
  write(write: StreamWrite, end: WriteEnd): void {
    const stream = this.#state
    const kept = write.truncateAfter ?? stream.lastWaiting
    assert(!this.#dropped, `stream ${this.name} was dropped`)
    assert(kept >= stream.baseWaiting && kept <= stream.lastWaiting, `${this.name} cannot be cut at ${kept}`)
    this.#push(write, kept + 1, bytesAtMost(stream.nameBytes, write), end)
    stream.lastWaiting = kept + (write.records?.length ?? 0)
    stream.baseWaiting = Math.max(stream.baseWaiting, write.truncateUpTo ?? 0)
    stream.lastWaiting = Math.max(stream.lastWaiting, stream.baseWaiting)
  }

  /** Appends records; resolves with the index of the last one when all are durable. */
  append(records: readonly Uint8Array[]): Promise<number> {
    return this.#promised({ records })
  }

  /** Withdraws the records above `index`, durably. */
  async truncateSuffix(index: number): Promise<void> {
    await this.#promised({ truncateAfter: index })
  }

  /** Lets go of the records up to `index`, durably; the next one appended has at least the index after it. */
  async truncatePrefix(index: number): Promise<void> {
    await this.#promised({ truncateUpTo: index })
  }

  /** Removes the stream and all it had. The handle is of no use afterwards. */
  drop(): Promise<void> {
    this.#dropped = true
    return new Promise((resolve, reject) => {
      this.#push({ drop: true }, 1, bytesAtMost(this.#state.nameBytes, {}), (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }

  /**
   * Durable records from index `from` on, to `to` at most, stopping after `maxBytes` but with at least one. Throws
   * `STORAGE_NOT_KEPT` if `from` is not there, `STORAGE_CORRUPT` if the disk gives back something else,
   * `STORAGE_CLOSED` if the log is closed before all was read.
   */
  async read(from: number, to: number, maxBytes: number): Promise<Uint8Array[]> {
    const items: Uint8Array[] = []
    let bytes = 0
    // Looked up one by one: while one is read, others may move to another segment or be let go.
    for (let run = this.#runAt(from, to); run; run = this.#runAt(from + items.length, to)) {
      if (this.#commit.isClosed)
        throw storageError('STORAGE_CLOSED', `stream ${this.name}: the log was closed by this process`)
      for (const item of await readRun(run, this.#seed)) {
        bytes += item.length
        if (items.length > 0 && bytes > maxBytes) return items
        items.push(item)
      }
    }
    if (items.length > 0) return items
    throw storageError(
      'STORAGE_NOT_KEPT',
      `stream ${this.name} has no record ${from}; it keeps ${this.firstIndex} to ${this.durableIndex}`,
    )
  }

  #runAt(from: number, to: number): Run | undefined {
    const run = this.#state.index.at(from)
    if (!run || from > to) return undefined
    return { first: from, last: Math.min(to, run.last), place: run.place }
  }

  #promised(write: StreamWrite): Promise<number> {
    return new Promise((resolve, reject) => {
      const last = (write.truncateAfter ?? this.lastIndex) + (write.records?.length ?? 0)
      this.write(write, (error) => (error ? reject(error) : resolve(last)))
    })
  }

  #push(write: UnitWrite, first: number, bytes: number, done: WriteEnd): void {
    const refusal = this.#commit.refusal(bytes, this.#priority, write.records !== undefined)
    if (refusal) throw refusal
    this.#commit.push({ stream: this.#state, write, first, bytes, done }, this.#priority)
  }
}

/** Not less than what a unit takes in a batch. */
function bytesAtMost(name: Uint8Array, { state, truncateAfter, records, truncateUpTo }: StreamWrite): number {
  let bytes = recordBytesAtMost(name, records ?? NOTHING)
  if (state) bytes += recordBytesAtMost(name, NOTHING) + state.length
  if (truncateAfter !== undefined) bytes += recordBytesAtMost(name, NOTHING)
  if (truncateUpTo !== undefined) bytes += recordBytesAtMost(name, NOTHING)
  return bytes
}

const NOTHING: readonly Uint8Array[] = []
const EMPTY = new Uint8Array(0)
