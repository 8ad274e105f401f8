import { CommandBatch } from '../core/index.ts'
import type { LogAccess } from './log-access.ts'

/** A batch of this size is proposed at once instead of at the end of the turn. */
const BATCH_BYTES_MAX = 512 * 1024

/** Whoever has a command in a batch, and is told if the batch came to nothing. */
export interface Proposing {
  /** The command was rejected, or its end is unknown; `reason` is for people. */
  proposalFailed(reason: string): void
}

/** Gathers the commands that arrive in one turn of the event loop into one proposal. */
export class Proposer {
  readonly #log: LogAccess
  readonly #batch = new CommandBatch()
  #authors = new Set<Proposing>()
  #scheduled = false

  constructor(log: LogAccess) {
    this.#log = log
  }

  /** The batch, which is proposed after the current poll phase; append one command of `author`. */
  batch(author: Proposing | undefined): CommandBatch {
    if (this.#batch.bytes > BATCH_BYTES_MAX) this.#propose()
    if (author) this.#authors.add(author)
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#proposeScheduled)
    }
    return this.#batch
  }

  /** `barrier` of the log, behind everything that is in the batch. */
  barrier(ready: (failure?: string) => void): void {
    this.#propose()
    this.#log.barrier(ready)
  }

  readonly #proposeScheduled = (): void => {
    this.#scheduled = false
    this.#propose()
  }

  #propose(): void {
    if (this.#batch.count === 0) return
    const authors = this.#authors
    this.#authors = new Set()
    this.#log.propose(this.#batch.take(), (end) => {
      if (end.type === 'committed') return
      for (const author of authors) author.proposalFailed(end.reason)
    })
  }
}
