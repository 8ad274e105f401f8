import type { Brand } from '../base/index.ts'

/** Position of an entry, counted from 1 without gaps. */
export type LogIndex = Brand<number, 'LogIndex'>
/**
 * Reign of the leader that first proposed a value. It belongs to the value: a later leader that re-proposes the
 * value leaves it unchanged. Never a ballot.
 */
export type Epoch = Brand<number, 'Epoch'>
export type NodeId = Brand<string, 'NodeId'>
/** Names one proposal or read of this node; the driver counts them up and never reuses one. */
export type RequestId = Brand<number, 'RequestId'>
/** Names one `persist`; counted up by the log. */
export type WriteId = Brand<number, 'WriteId'>

/** One value in the log, with everything that applying it may depend on. */
export interface Entry {
  readonly index: LogIndex
  readonly epoch: Epoch
  /** The leader's wall clock when it was proposed, for display only: it may jump. */
  readonly wallMs: number
  /** Replicated time: the last replicated `leaseMs` plus the leader's monotonic time in office. Never goes back. */
  readonly leaseMs: number
  readonly data: Uint8Array
}

/** The two clocks at the moment of an input. */
export interface Instant {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** What a log wants on disk as one unit: all of it survives a crash, or none. */
export interface LogWrite {
  readonly id: WriteId
  /** Term and vote (ballot, epoch) in the protocol's own encoding: one atomic record. */
  readonly hardState?: Uint8Array
  /** Entries above this index are withdrawn before `entries` are appended. */
  readonly truncateAfter?: LogIndex
  readonly entries: readonly Entry[]
}

/** A protocol's own messages. One that claims durability says so, and `sendNow` does not accept it. */
export interface Message {
  readonly type: string
  /** `durable`: a vote granted, an append acknowledged, a promise, an acceptance. */
  readonly claim?: 'durable'
}

/** How a proposal or a read of this node ended; the same three words as every error's `outcome`. */
export type ProposalEnd =
  | { readonly type: 'committed'; readonly index: LogIndex }
  | { readonly type: 'rejected'; readonly reason: string }
  | { readonly type: 'unknown'; readonly reason: string }

export type LogInput<M extends Message> =
  | { readonly type: 'tick'; readonly now: Instant }
  | { readonly type: 'propose'; readonly id: RequestId; readonly now: Instant; readonly data: Uint8Array }
  | { readonly type: 'read'; readonly id: RequestId; readonly now: Instant }
  | { readonly type: 'written'; readonly id: WriteId }
  | { readonly type: 'message'; readonly from: NodeId; readonly now: Instant; readonly message: M }
  | { readonly type: 'entries-read'; readonly entries: readonly Entry[] }
  | { readonly type: 'snapshot-installed'; readonly index: LogIndex; readonly epoch: Epoch }

/**
 * Where a log's step puts what it wants done. A server writes it to sockets and disks, the simulator to virtual
 * ones, a golden test prints it. Calls are made in the order in which they must take effect.
 */
export interface LogOutput<M extends Message> {
  /** Make it durable, then answer with `written`. Writes complete in the order of their ids. */
  persist(write: LogWrite): void
  /** Sends at once: nothing in the message depends on a write under way. */
  sendNow(to: NodeId, message: M & { readonly claim?: never }): void
  /**
   * Sends once the write is durable. The claim is discarded if the hard state moved on or its range was truncated
   * meanwhile: the log then says so by not asking again.
   */
  sendAfter(write: WriteId, to: NodeId, claim: M): void
  /** These entries are decided; each is delivered once, in order, without gaps. */
  committed(entries: readonly Entry[]): void
  /** A proposal of this node ended. `committed` of its entry is called first. */
  proposalEnded(id: RequestId, end: ProposalEnd): void
  /** A linearizable read of this node may be served once everything up to `index` is applied. */
  answerRead(id: RequestId, index: LogIndex): void
  /** A read that cannot be answered; it had no effect and may be tried elsewhere. */
  readRejected(id: RequestId, reason: string): void
  /** Load entries `[from, to]` that are no longer in memory and answer with `entries-read`. */
  readLog(from: LogIndex, to: LogIndex): void
  /** The peer needs state older than the log: send it a snapshot. */
  sendSnapshot(to: NodeId): void
  /** An input was ignored; `reason` is a stable word for counters. */
  dropped(reason: string): void
  /** A line for people and for golden tests. */
  trace(event: string): void
}

export interface LogStatus {
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner'
  readonly leader: NodeId | undefined
  readonly epoch: Epoch
  readonly lastIndex: LogIndex
  readonly commitIndex: LogIndex
}

/**
 * An agreed sequence of entries: what Raft, Multi-Paxos, ZAB and the log of a single node have in common.
 * A pure state machine: everything it knows comes in through `step`, everything it wants goes out through `out`,
 * which is not kept between steps.
 *
 * Primary order (O1): if a leader proposed a before b and b is delivered, a was delivered before it; and no entry
 * of a lower epoch follows one of a higher. After a restart it is made anew from what was persisted, and delivers
 * from the entry after the last snapshot again.
 */
export interface ReplicatedLog<M extends Message = Message> {
  step(input: LogInput<M>, out: LogOutput<M>): void
  status(): LogStatus
}
