import { isFenbuError } from '../base/index.ts'
import type { Entry, ReplicatedStateMachine } from '../consensus/index.ts'
import type { LogStream, SnapshotStore } from '../storage/index.ts'
import { isForWantOfRoom } from './refusal.ts'
import type { ReplicaOptions } from './replica-options.ts'

/** Decides when a replica writes a snapshot, and lets go of the entries that it covers. One at a time. */
export class Snapshotter {
  readonly #machine: Pick<ReplicatedStateMachine<never>, 'snapshot' | 'digest' | 'level'>
  readonly #snapshots: SnapshotStore
  readonly #stream: LogStream
  readonly #options: Required<ReplicaOptions>
  readonly #failed: (error: unknown) => void
  #bytes = 0
  #entries = 0
  #writing: Promise<void> | undefined
  readonly #waitingForDisk: {
    readonly index: number
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }[] = []
  #stopped: unknown
  /** A snapshot covers the entries up to this one, and the log had no room to be told. 0 if there is none. */
  #refusedUpTo = 0

  constructor(
    machine: Pick<ReplicatedStateMachine<never>, 'snapshot' | 'digest' | 'level'>,
    snapshots: SnapshotStore,
    stream: LogStream,
    options: Required<ReplicaOptions>,
    failed: (error: unknown) => void,
  ) {
    this.#machine = machine
    this.#snapshots = snapshots
    this.#stream = stream
    this.#options = options
    this.#failed = failed
  }

  /** Called after each applied entry. */
  applied(entry: Entry): void {
    this.#bytes += entry.data.length
    this.#entries++
    if (this.#writing || this.#stopped !== undefined) return
    if (this.#bytes < this.#options.snapshotAfterBytes && this.#entries < this.#options.snapshotAfterEntries)
      return
    this.#bytes = 0
    this.#entries = 0
    this.#writing = this.#write(entry)
      .catch((error) => this.#report(error))
      .finally(() => {
        this.#writing = undefined
      })
  }

  /** Called when a write became durable: a snapshot may be waiting for its last entry. */
  written(): void {
    while (this.#waitingForDisk.length > 0 && this.#stream.durableIndex >= this.#waitingForDisk[0]!.index)
      this.#waitingForDisk.shift()!.resolve()
  }

  /** Resolves when no snapshot is being written. */
  async idle(): Promise<void> {
    await this.#writing
  }

  stop(error: unknown): void {
    this.#stopped = error
    for (const waiting of this.#waitingForDisk.splice(0)) waiting.reject(error)
  }

  async #write(entry: Entry): Promise<void> {
    const { index, epoch, leaseMs } = entry
    const info = { index, epoch, leaseMs, level: this.#machine.level, digest: this.#machine.digest() }
    const cursor = this.#machine.snapshot()
    await this.#snapshots.write(info, cursor, () => this.#durable(index))
    this.#letGo(index)
  }

  /** Asks again for what there was no room to write: entries that a snapshot covers are let go sooner or later. */
  retry(): void {
    if (this.#stopped === undefined && this.#refusedUpTo > 0) this.#letGo(this.#refusedUpTo)
  }

  #letGo(index: number): void {
    const ended = (error: unknown): void => {
      if (error === undefined) return
      if (isForWantOfRoom(error)) this.#refusedUpTo = Math.max(this.#refusedUpTo, index)
      else this.#failed(error)
    }
    this.#refusedUpTo = 0
    try {
      this.#stream.write({ truncateUpTo: index }, ended)
    } catch (error) {
      ended(error)
    }
  }

  /** Entries may be applied before they are durable here; a snapshot must not outlive an entry in it. */
  #durable(index: number): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    if (this.#stream.durableIndex >= index) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waitingForDisk.push({ index, resolve, reject })
    })
  }

  /** A full disk is no reason to stop: the entries are still in the log, and the next budget tries again. */
  #report(error: unknown): void {
    if (this.#stopped === undefined && !isFenbuError(error, 'FILE_DISK_FULL')) this.#failed(error)
  }
}
