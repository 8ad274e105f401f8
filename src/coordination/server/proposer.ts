import type { Timer, Timers } from '../../base/index.ts'
import { CommandBatch } from '../core/index.ts'
import type { LogAccess } from './log-access.ts'

/** A batch does not grow beyond this by a further command; one large command may be a batch of its own. */
const BATCH_BYTES_MAX = 512 * 1024
/** More than any command takes in an entry beside the client's request. */
const COMMAND_BYTES_MAX = 64
/** Entries that wait for room in the log; what comes on top of them is refused. */
const HELD_BYTES_MAX = 32 * 1024 * 1024
/** How long a log without room is left alone. */
const RETRY_MS = 10

/** Whoever has commands in a batch, and is told if they came to nothing. */
export interface Proposing {
  /** The number of its next command. */
  readonly nextNumber: number
  /** Its commands from number `from` on were not taken by the log and never will be. */
  proposalRefused(from: number): void
  /** Nobody can tell what becomes of its commands; `reason` is for people. */
  proposalFailed(reason: string): void
}

/** One entry of the log to be, and whose commands it holds: the first number of each. */
interface Proposal {
  readonly data: Uint8Array
  readonly authors: Map<Proposing, number>
}

/**
 * Gathers the commands that arrive in one turn of the event loop into one proposal. Proposals that the log has no
 * room for wait, and those behind them, since the commands of a connection are applied only in their order.
 */
export class Proposer {
  readonly #log: LogAccess
  readonly #timers: Timers
  readonly #batch = new CommandBatch()
  #authors = new Map<Proposing, number>()
  #scheduled = false
  #held: Proposal[] = []
  #heldBytes = 0
  #retry: Timer | undefined

  constructor(log: LogAccess, timers: Timers) {
    this.#log = log
    this.#timers = timers
  }

  /** The log has no room: what is not urgent should come later. */
  get isHeldBack(): boolean {
    return this.#held.length > 0
  }

  /** Whether a request of this length can be proposed at all. */
  takes(requestBytes: number): boolean {
    return requestBytes + COMMAND_BYTES_MAX <= this.#log.maxEntryBytes
  }

  /** The batch, which is proposed after the current poll phase; append one command of `author` at once. */
  batch(author: Proposing | undefined, requestBytes = 0): CommandBatch {
    const bytes = this.#batch.bytes + requestBytes + COMMAND_BYTES_MAX
    if (bytes > Math.min(BATCH_BYTES_MAX, this.#log.maxEntryBytes)) this.#propose()
    if (author && !this.#authors.has(author)) this.#authors.set(author, author.nextNumber)
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#proposeScheduled)
    }
    return this.#batch
  }

  /** `barrier` of the log, behind everything that it has room for. */
  barrier(ready: (failure?: string) => void): void {
    this.#propose()
    this.#log.barrier(ready)
  }

  /** Refuses what waits for room. */
  stop(): void {
    this.#refuse([])
  }

  readonly #proposeScheduled = (): void => {
    this.#scheduled = false
    this.#propose()
  }

  #propose(): void {
    const proposal = this.#takeBatch()
    if (proposal === undefined || (!this.isHeldBack && this.#submit(proposal))) return
    if (this.#heldBytes + proposal.data.length > HELD_BYTES_MAX) tellRefused([proposal])
    else {
      this.#held.push(proposal)
      this.#heldBytes += proposal.data.length
      this.#retry ??= this.#timers.after(RETRY_MS, this.#submitHeld)
    }
  }

  #takeBatch(): Proposal | undefined {
    if (this.#batch.count === 0) return undefined
    const proposal = { data: this.#batch.take(), authors: this.#authors }
    this.#authors = new Map()
    return proposal
  }

  /** False if there is no room for it now. */
  #submit(proposal: Proposal): boolean {
    return this.#log.propose(proposal.data, (end) => {
      if (end.type === 'rejected') this.#refuse([proposal])
      else if (end.type === 'unknown')
        for (const author of proposal.authors.keys()) author.proposalFailed(end.reason)
    })
  }

  readonly #submitHeld = (): void => {
    this.#retry = undefined
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) {
      if (!this.#submit(next)) {
        this.#held.unshift(next)
        this.#retry = this.#timers.after(RETRY_MS, this.#submitHeld)
        return
      }
      this.#heldBytes -= next.data.length
    }
    this.#heldBytes = 0
  }

  /** With everything behind it: the commands of a connection are applied only without a gap. */
  #refuse(proposals: readonly Proposal[]): void {
    const batch = this.#takeBatch()
    const refused = [...proposals, ...this.#held, ...(batch ? [batch] : [])]
    this.#retry?.cancel()
    this.#retry = undefined
    this.#held = []
    this.#heldBytes = 0
    tellRefused(refused)
  }
}

/** Each author once, with the first of its commands: being told, it may propose again. */
function tellRefused(proposals: readonly Proposal[]): void {
  const authors = new Map<Proposing, number>()
  for (const proposal of proposals)
    for (const [author, from] of proposal.authors) if (!authors.has(author)) authors.set(author, from)
  for (const [author, from] of authors) author.proposalRefused(from)
}
