import { assert, unreachable } from '../base/index.ts'
import { ByteReader, ByteWriter } from '../bytes/index.ts'
import type {
  Entry,
  Epoch,
  Instant,
  LogIndex,
  LogInput,
  LogOutput,
  LogStatus,
  Message,
  NodeId,
  ReplicatedLog,
  RequestId,
  WriteId,
} from '../consensus/index.ts'

/** What a replicated log finds on disk when it starts. */
export interface RecoveredState {
  /** The state it last persisted; undefined on the first start. */
  readonly hardState: Uint8Array | undefined
  /** The entry that the snapshot ends with: entries after it are delivered again. 0 without a snapshot. */
  readonly snapshotIndex: number
  readonly snapshotEpoch: number
  readonly snapshotLeaseMs: number
  /** Index of the last entry in the log; `snapshotIndex` if there is none after it. */
  readonly lastIndex: number
  /** That entry; undefined if there is none. */
  readonly lastEntry: Entry | undefined
}

/**
 * The log of a cluster of one: every proposal is committed once it is durable. It keeps the contract of
 * `ReplicatedLog`, so that what is built on it does not notice when a real protocol takes its place.
 *
 * The epoch is raised at every start and durable before anything else of the new reign is, or is answered.
 */
export class LocalLog implements ReplicatedLog<Message> {
  readonly #id: NodeId
  readonly #epoch: Epoch
  readonly #leaseMsBefore: number
  /** The monotonic clock when this reign began: at the first input that tells the time. */
  #inOfficeSinceMs: number | undefined
  /** The last entry from before this start. */
  readonly #recoveredIndex: LogIndex
  #lastIndex: LogIndex
  #commitIndex: LogIndex
  /** Last entry handed to `committed`. */
  #deliveredIndex: LogIndex
  #reading = false
  #nextWrite = 1
  #lastWritten = 0
  /** Not delivered yet, oldest first. The driver bounds them by the bytes that it lets wait. */
  readonly #proposals: { readonly request: RequestId; readonly entry: Entry }[] = []
  readonly #reads: { readonly id: RequestId; readonly index: LogIndex }[] = []

  constructor(id: NodeId, recovered: RecoveredState) {
    const { hardState, snapshotEpoch, lastEntry, snapshotIndex, lastIndex } = recovered
    const epoch = Math.max(decodeEpoch(hardState), snapshotEpoch, lastEntry?.epoch ?? 0) + 1
    this.#id = id
    this.#epoch = epoch as Epoch
    this.#leaseMsBefore = Math.max(recovered.snapshotLeaseMs, lastEntry?.leaseMs ?? 0)
    this.#recoveredIndex = lastIndex as LogIndex
    this.#lastIndex = lastIndex as LogIndex
    // What was recovered is durable, and one durable copy is a majority of one.
    this.#commitIndex = lastIndex as LogIndex
    this.#deliveredIndex = snapshotIndex as LogIndex
  }

  step(input: LogInput<Message>, out: LogOutput<Message>): void {
    this.#begin(out)
    switch (input.type) {
      case 'tick':
        this.#takeOffice(input.now)
        break
      case 'propose':
        this.#propose(input.id, input.now, input.data, out)
        break
      case 'read':
        // Everything that anyone was told of is at or below the commit index; it is delivered before the answer.
        this.#reads.push({ id: input.id, index: this.#commitIndex })
        break
      case 'written':
        this.#written(input.id)
        break
      case 'entries-read':
        this.#redeliver(input.entries, out)
        break
      case 'message':
      case 'snapshot-installed':
        out.dropped(`a log of one node takes no ${input.type}`)
        break
      default:
        unreachable(input)
    }
    this.#deliver(out)
  }

  status(): LogStatus {
    return {
      role: 'leader',
      leader: this.#id,
      epoch: this.#epoch,
      lastIndex: this.#lastIndex,
      commitIndex: this.#commitIndex,
    }
  }

  #begin(out: LogOutput<Message>): void {
    if (this.#nextWrite > 1) return
    out.persist({ id: this.#nextWriteId(), hardState: encodeEpoch(this.#epoch), entries: [] })
  }

  #takeOffice(now: Instant): number {
    this.#inOfficeSinceMs ??= now.monotonicMs
    return Math.floor(now.monotonicMs - this.#inOfficeSinceMs)
  }

  #propose(request: RequestId, now: Instant, data: Uint8Array, out: LogOutput<Message>): void {
    const index = (this.#lastIndex + 1) as LogIndex
    const leaseMs = this.#leaseMsBefore + this.#takeOffice(now)
    const entry = { index, epoch: this.#epoch, wallMs: now.wallMs, leaseMs, data }
    this.#lastIndex = index
    this.#proposals.push({ request, entry })
    out.persist({ id: this.#nextWriteId(), entries: [entry] })
  }

  #nextWriteId(): WriteId {
    return this.#nextWrite++ as WriteId
  }

  /** The first write is the epoch's, every other one a proposal's, in the order of their indices. */
  #written(id: WriteId): void {
    assert(id === ++this.#lastWritten, `writes complete in order: ${id}, not ${this.#lastWritten}`)
    if (id > 1) this.#commitIndex = (this.#commitIndex + 1) as LogIndex
  }

  #redeliver(entries: readonly Entry[], out: LogOutput<Message>): void {
    assert(this.#reading && entries[0]?.index === this.#deliveredIndex + 1, 'the entries that were asked for')
    this.#reading = false
    this.#deliveredIndex = entries.at(-1)!.index
    out.committed(entries)
  }

  /** Hands out what is durable, in order: first what was there before this start, a part at a time. */
  #deliver(out: LogOutput<Message>): void {
    if (this.#deliveredIndex < this.#recoveredIndex) this.#readRecovered(out)
    else this.#deliverProposals(out)
    // Nobody sees the new epoch before it is durable: the next start would reign under the same one.
    while (this.#lastWritten > 0 && this.#reads.length > 0 && this.#reads[0]!.index <= this.#deliveredIndex) {
      const { id, index } = this.#reads.shift()!
      out.answerRead(id, index)
    }
  }

  #readRecovered(out: LogOutput<Message>): void {
    if (this.#reading) return
    this.#reading = true
    out.readLog((this.#deliveredIndex + 1) as LogIndex, this.#recoveredIndex)
  }

  #deliverProposals(out: LogOutput<Message>): void {
    while (this.#deliveredIndex < this.#commitIndex) {
      const { request, entry } = this.#proposals.shift()!
      this.#deliveredIndex = entry.index
      out.committed([entry])
      out.proposalEnded(request, { type: 'committed', index: entry.index })
    }
  }
}

function encodeEpoch(epoch: Epoch): Uint8Array {
  const writer = new ByteWriter(8)
  writer.counter(epoch)
  return writer.view()
}

function decodeEpoch(hardState: Uint8Array | undefined): number {
  return hardState ? new ByteReader(hardState).counter() : 0
}
