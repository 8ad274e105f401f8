/**
 * A bound on the bytes that a process holds for all its peers together: limits per connection multiply with the
 * number of connections, this one does not. When it is passed, the share that has been held longest is given up:
 * honest peers complete what they began and let go, whoever stalls grows old.
 */
export class MemoryBudget {
  readonly maxBytes: number
  /** In the order in which the shares began to hold something. */
  readonly #holding = new Set<BudgetShare>()
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** A share that holds nothing yet; `giveUp` must free the memory. */
  share(giveUp: () => void): BudgetShare {
    return new BudgetShare(this, giveUp)
  }

  /** For shares only. */
  change(share: BudgetShare, byBytes: number): void {
    this.#heldBytes += byBytes
    if (share.bytes === 0) this.#holding.delete(share)
    else this.#holding.add(share)
    if (byBytes > 0) this.#enforce()
  }

  #enforce(): void {
    for (const oldest of this.#holding) {
      if (this.#heldBytes <= this.maxBytes) break
      oldest.release()
      oldest.giveUp()
    }
  }
}

/** What one connection holds of a budget. */
export class BudgetShare {
  readonly giveUp: () => void
  readonly #budget: MemoryBudget
  #bytes = 0

  constructor(budget: MemoryBudget, giveUp: () => void) {
    this.#budget = budget
    this.giveUp = giveUp
  }

  get bytes(): number {
    return this.#bytes
  }

  hold(bytes: number): void {
    const by = bytes - this.#bytes
    if (by === 0) return
    this.#bytes = bytes
    this.#budget.change(this, by)
  }

  release(): void {
    this.hold(0)
  }
}

/** Unfinished frames of all connections of the process. */
export const processReceiveBudget: MemoryBudget = new MemoryBudget(256 * 1024 * 1024)

/** Bytes that peers of the process have not taken yet. */
export const processSendBudget: MemoryBudget = new MemoryBudget(512 * 1024 * 1024)
