import {
  type AsyncClosable,
  assert,
  type Clock,
  type FenbuError,
  type Timer,
  type Timers,
} from '../base/index.ts'
import type {
  Entry,
  Instant,
  LogIndex,
  LogInput,
  LogOutput,
  LogStatus,
  LogWrite,
  Message,
  NodeId,
  ProposalEnd,
  ReplicatedLog,
  ReplicatedStateMachine,
  RequestId,
} from '../consensus/index.ts'
import type { LogStream, RecoveredState, SnapshotStore, WriteAheadLog } from '../storage/index.ts'
import { decodeEntry, encodeEntry, entryBytes } from './entry-codec.ts'
import { EntryWriter } from './entry-writer.ts'
import { type ClusterErrorCode, clusterError } from './errors.ts'
import { type ReplicaOptions, resolveReplicaOptions } from './replica-options.ts'
import { Snapshotter } from './snapshotter.ts'

/** How much is read back from the log at once: a part of a replay that does not hold up other work for long. */
const READ_BYTES = 1 << 20

export interface ReplicaSetup<Output> {
  readonly world: { readonly clock: Clock; readonly timers: Timers }
  readonly wal: WriteAheadLog
  /** Name of the stream in `wal` that holds the entries. */
  readonly stream: string
  readonly snapshots: SnapshotStore
  /** Makes the log from what was found on disk: `(recovered) => new LocalLog(nodeId, recovered)`. */
  readonly createLog: (recovered: RecoveredState) => ReplicatedLog
  readonly machine: ReplicatedStateMachine<Output>
  /** Handed to every `apply`. */
  readonly output: Output
  /** Told once when the replica stops because something failed; the node must stop. */
  readonly onFailure?: (error: FenbuError<ClusterErrorCode>) => void
  readonly options?: ReplicaOptions
}

/** How a proposal ended; called once, after the entry was applied if it was committed. */
export type ProposalListener = (end: ProposalEnd) => void

/**
 * One member's copy of a replicated state machine: drives a replicated log over the disk, applies what is
 * committed in order on this thread, takes snapshots and lets go of the entries they cover.
 */
export class Replica<Output> implements AsyncClosable {
  readonly #setup: ReplicaSetup<Output>
  readonly #options: Required<ReplicaOptions>
  readonly #stream: LogStream
  readonly #log: ReplicatedLog
  readonly #out: LogOutput<Message>
  readonly #writes: EntryWriter
  readonly #snapshotter: Snapshotter
  readonly #inputs: LogInput<Message>[] = []
  readonly #proposals = new Map<RequestId, ProposalListener>()
  readonly #reads = new Map<RequestId, ReadWaiting>()
  /** Reads whose index is known and not applied yet. */
  readonly #barriers: { readonly index: number; readonly read: ReadWaiting }[] = []
  #stepping = false
  #nextRequest = 1
  #appliedIndex: number
  #tick: Timer | undefined
  #failure: FenbuError<ClusterErrorCode> | undefined
  #closing: Promise<void> | undefined

  private constructor(setup: ReplicaSetup<Output>, stream: LogStream, recovered: RecoveredState) {
    this.#setup = setup
    this.#options = resolveReplicaOptions(setup.options)
    this.#stream = stream
    this.#appliedIndex = recovered.snapshotIndex
    this.#log = setup.createLog(recovered)
    this.#out = this.#output()
    this.#writes = new EntryWriter(stream, (error) => this.#fail(error))
    this.#snapshotter = new Snapshotter(setup.machine, setup.snapshots, stream, this.#options, (error) =>
      this.#fail(error),
    )
    this.#tickNow()
  }

  /**
   * Loads the newest snapshot into the machine and begins to apply the entries after it; `readBarrier` resolves
   * once everything that was acknowledged before is applied. Rejects with `CLUSTER_STATE_DIFFERS`,
   * `CLUSTER_LOG_MISSING` or an error of storage.
   */
  static async open<Output>(setup: ReplicaSetup<Output>): Promise<Replica<Output>> {
    resolveReplicaOptions(setup.options)
    const snapshot = await setup.snapshots.load(setup.machine.restore())
    if (snapshot && setup.machine.digest() !== snapshot.digest)
      throw clusterError(
        'CLUSTER_STATE_DIFFERS',
        `stream ${setup.stream}: the snapshot of entry ${snapshot.index} has digest ${snapshot.digest}, ` +
          `the loaded state ${setup.machine.digest()}`,
      )
    const stream = setup.wal.stream(setup.stream, 'consensus')
    const snapshotIndex = snapshot?.index ?? 0
    if (stream.firstIndex > snapshotIndex + 1 || (snapshotIndex > 0 && stream.state === undefined))
      throw clusterError(
        'CLUSTER_LOG_MISSING',
        `stream ${setup.stream}: the log starts with entry ${stream.firstIndex}, the snapshot ends with ${snapshotIndex}`,
      )
    if (stream.lastIndex < snapshotIndex) await stream.truncatePrefix(snapshotIndex)
    return new Replica(setup, stream, {
      hardState: stream.state,
      snapshotIndex,
      snapshotEpoch: snapshot?.epoch ?? 0,
      snapshotLeaseMs: snapshot?.leaseMs ?? 0,
      lastIndex: stream.lastIndex,
      lastEntry: await readLast(stream),
    })
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex as LogIndex
  }

  /** The largest `data` that a proposal may have; with the defaults of the log about 2 MiB. */
  get maxEntryBytes(): number {
    const bytes = Math.min(this.#stream.maxRecordBytes, this.#options.maxUnwrittenBytes)
    return bytes - entryBytes(0) - RECORD_OVERHEAD_BYTES
  }

  get failure(): FenbuError<ClusterErrorCode> | undefined {
    return this.#failure
  }

  status(): LogStatus {
    return this.#log.status()
  }

  /**
   * Resolves with the entry's index once it is committed and applied here. Rejects with `CLUSTER_REJECTED`,
   * `CLUSTER_OVERLOADED`, `CLUSTER_CLOSED` or `STORAGE_DISK_FULL` (all `not-executed`), `CLUSTER_UNKNOWN` or
   * `CLUSTER_FAILED`. `data` must not change until then.
   */
  propose(data: Uint8Array): Promise<LogIndex> {
    return new Promise((resolve, reject) => {
      this.submit(data, (end) => {
        if (end.type === 'committed') resolve(end.index)
        else reject(this.#proposalError(end))
      })
    })
  }

  /** As `propose`, without a promise: throws what is refused at once, `ended` is told the rest. */
  submit(data: Uint8Array, ended: ProposalListener): void {
    const refusal = this.#refusal(entryBytes(data.length))
    if (refusal) throw refusal
    const id = this.#nextRequest++ as RequestId
    this.#proposals.set(id, ended)
    this.#input({ type: 'propose', id, now: this.#now(), data })
  }

  /** Resolves once this node has applied everything that was acknowledged to anyone before the call. */
  readBarrier(): Promise<LogIndex> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(0)
      if (refusal) throw refusal
      const id = this.#nextRequest++ as RequestId
      this.#reads.set(id, { resolve, reject })
      this.#input({ type: 'read', id, now: this.#now() })
    })
  }

  /** Takes no more proposals, waits for writes under way and for a snapshot being written. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#tick?.cancel()
    if (!this.#failure) await this.#writes.close()
    await this.#snapshotter.idle()
    this.#endAll('the replica was closed by this process')
  }

  #refusal(bytes: number): FenbuError | undefined {
    if (this.#failure)
      return clusterError('CLUSTER_FAILED', this.#failure.message, {
        ...NOT_EXECUTED,
        cause: this.#failure.cause,
      })
    if (this.#closing) return clusterError('CLUSTER_CLOSED', 'the replica was closed by this process')
    if (bytes === 0) return undefined
    const { maxUnwrittenBytes } = this.#options
    if (this.#writes.bytes + bytes > maxUnwrittenBytes)
      return clusterError(
        'CLUSTER_OVERLOADED',
        `${this.#writes.bytes} bytes of proposals wait for the disk; maxUnwrittenBytes is ${maxUnwrittenBytes}`,
      )
    return this.#stream.refusal(bytes + RECORD_OVERHEAD_BYTES)
  }

  #proposalError(end: Exclude<ProposalEnd, { type: 'committed' }>): FenbuError<ClusterErrorCode> {
    if (end.type === 'rejected') return clusterError('CLUSTER_REJECTED', end.reason)
    if (this.#failure) return this.#failure
    return clusterError('CLUSTER_UNKNOWN', end.reason)
  }

  #now(): Instant {
    const { clock } = this.#setup.world
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
  }

  #tickNow(): void {
    this.#writes.retry()
    this.#snapshotter.retry()
    this.#input({ type: 'tick', now: this.#now() })
    if (this.#failure || this.#closing) return
    this.#tick = this.#setup.world.timers.after(this.#options.tickMs, () => this.#tickNow())
  }

  /** Applying an entry may propose another: inputs that come during a step wait for its end. */
  #input(input: LogInput<Message>): void {
    this.#inputs.push(input)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#inputs.shift(); next && !this.#failure; next = this.#inputs.shift())
        if (next.type !== 'propose' || this.#isTaken(next)) this.#log.step(next, this.#out)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#stepping = false
    }
  }

  /** Asked again just before the log has it: what was proposed in the same turn may have taken the room. */
  #isTaken({ id, data }: Extract<LogInput<Message>, { type: 'propose' }>): boolean {
    const refusal = this.#refusal(entryBytes(data.length))
    if (refusal) this.#endProposal(id, { type: 'rejected', reason: refusal.message })
    return refusal === undefined
  }

  #output(): LogOutput<Message> {
    return {
      persist: (write) => this.#persist(write),
      committed: (entries) => this.#apply(entries),
      proposalEnded: (id, end) => this.#endProposal(id, end),
      answerRead: (id, index) => this.#answerRead(id, index),
      readRejected: (id, reason) => this.#rejectRead(id, clusterError('CLUSTER_REJECTED', reason)),
      readLog: (from, to) => void this.#readLog(from, to),
      sendNow: (to) => noPeer(to),
      sendAfter: (_write, to) => noPeer(to),
      sendSnapshot: (to) => noPeer(to),
      dropped: () => undefined,
      trace: () => undefined,
    }
  }

  #persist({ id, hardState, truncateAfter, entries }: LogWrite): void {
    const records = entries.map(encodeEntry)
    const bytes = records.reduce((sum, record) => sum + record.length, hardState?.length ?? 0)
    const write = {
      ...(hardState && { state: hardState }),
      ...(truncateAfter !== undefined && { truncateAfter }),
      ...(records.length > 0 && { records }),
    }
    this.#writes.push(write, bytes, () => {
      this.#snapshotter.written()
      this.#input({ type: 'written', id })
    })
  }

  #apply(entries: readonly Entry[]): void {
    const { machine, output } = this.#setup
    for (const entry of entries) {
      assert(entry.index === this.#appliedIndex + 1, `entry ${entry.index} follows ${this.#appliedIndex}`)
      machine.apply(entry, output)
      this.#appliedIndex = entry.index
      this.#snapshotter.applied(entry)
    }
    while (this.#barriers.length > 0 && this.#barriers[0]!.index <= this.#appliedIndex)
      this.#barriers.shift()!.read.resolve(this.appliedIndex)
  }

  #endProposal(id: RequestId, end: ProposalEnd): void {
    const ended = this.#proposals.get(id)
    this.#proposals.delete(id)
    ended?.(end)
  }

  #answerRead(id: RequestId, index: LogIndex): void {
    const read = this.#reads.get(id)
    if (!read) return
    this.#reads.delete(id)
    if (index <= this.#appliedIndex) read.resolve(this.appliedIndex)
    else this.#barriers.push({ index, read })
  }

  #rejectRead(id: RequestId, error: FenbuError): void {
    this.#reads.get(id)?.reject(error)
    this.#reads.delete(id)
  }

  async #readLog(from: number, to: number): Promise<void> {
    try {
      const records = await this.#stream.read(from, to, READ_BYTES)
      const entries = records.map((record, i) => decodeEntry(from + i, record))
      if (!this.#failure && !this.#closing) this.#input({ type: 'entries-read', entries })
    } catch (error) {
      // Once this is closed its log may be too, and nobody waits for the entries.
      if (!this.#closing) this.#fail(error)
    }
  }

  /** Stops for good: what is under way has an unknown outcome, and the node must stop. */
  #fail(cause: unknown): void {
    if (this.#failure) return
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#failure = clusterError('CLUSTER_FAILED', `stream ${this.#setup.stream}: ${reason}`, { cause })
    this.#tick?.cancel()
    this.#snapshotter.stop(this.#failure)
    this.#writes.stop()
    this.#endAll(reason)
    this.#setup.onFailure?.(this.#failure)
  }

  #endAll(reason: string): void {
    const error = this.#failure ?? clusterError('CLUSTER_CLOSED', reason)
    for (const id of [...this.#proposals.keys()]) this.#endProposal(id, { type: 'unknown', reason })
    for (const id of [...this.#reads.keys()]) this.#rejectRead(id, error)
    for (const { read } of this.#barriers.splice(0)) read.reject(error)
  }
}

interface ReadWaiting {
  readonly resolve: (index: LogIndex) => void
  readonly reject: (error: unknown) => void
}

/** More than a record's own fields take in a batch, for the question whether one would be taken. */
const RECORD_OVERHEAD_BYTES = 1024
const NOT_EXECUTED = { outcome: 'not-executed' } as const

async function readLast(stream: LogStream): Promise<Entry | undefined> {
  const { lastIndex, firstIndex } = stream
  if (lastIndex < firstIndex) return undefined
  const [record] = await stream.read(lastIndex, lastIndex, 1)
  return decodeEntry(lastIndex, record!)
}

function noPeer(to: NodeId): void {
  assert(false, `a replica without peers sends nothing, not even to ${to}`)
}
