import type { Socket } from 'node:net'
import { ByteWriter } from '../bytes/index.ts'
import type { BudgetShare } from './memory-budget.ts'

/** A slab of this size leaves between two frames, before the turn ends. */
const SLAB_BYTES_MAX = 64 * 1024
/** A slab that grew larger than this in one turn is not filled again. */
const SLAB_BYTES_KEPT_MAX = 2 * SLAB_BYTES_MAX

export interface OutboxLimits {
  readonly pauseReadingBytes: number
  readonly maxUnsentBytes: number
}

/** Counted by the outbox. */
export interface SendStatistics {
  bytesSent: number
  writes: number
}

export interface OutboxEvents {
  /** `choked` changed, or the last unsent byte left. */
  changed(): void
  /** More than `maxUnsentBytes` are unsent. */
  overflowed(unsentBytes: number): void
}

/**
 * The way out: what is written during a turn of the event loop gathers in one slab and leaves in one system call.
 * Counts what the operating system has not taken, and says when the peer should not be read from meanwhile.
 */
export class Outbox {
  readonly #socket: Socket
  readonly #limits: OutboxLimits
  readonly #statistics: SendStatistics
  readonly #share: BudgetShare
  readonly #events: OutboxEvents
  readonly #slab = new ByteWriter(0)
  #scheduled = false
  #closed = false
  #choked = false
  /** Of the bytes handed to the socket those that it still holds. */
  #heldBytes = 0

  constructor(
    socket: Socket,
    limits: OutboxLimits,
    statistics: SendStatistics,
    share: BudgetShare,
    events: OutboxEvents,
  ) {
    this.#socket = socket
    this.#limits = limits
    this.#statistics = statistics
    this.#share = share
    this.#events = events
  }

  /**
   * The slab, which will leave by itself: after the current poll phase if `polling` (replies that promises give a
   * little later join it), otherwise once the running callbacks and promises are done.
   */
  writer(polling: boolean): ByteWriter {
    if (!this.#scheduled) {
      this.#scheduled = true
      if (polling) setImmediate(this.flush)
      else process.nextTick(this.flush)
    }
    return this.#slab
  }

  get unsentBytes(): number {
    return this.#slab.length + this.#heldBytes
  }

  /** Bytes that the operating system has taken. */
  get takenBytes(): number {
    return this.#statistics.bytesSent - this.#heldBytes
  }

  /** From more than `pauseReadingBytes` unsent until half of them left. */
  get choked(): boolean {
    return this.#choked
  }

  /** Called between two frames: a full slab leaves now, so that many replies in one turn need no large slab. */
  readonly relieve = (): void => {
    if (this.#slab.length >= SLAB_BYTES_MAX) this.flush()
  }

  readonly flush = (): void => {
    this.#scheduled = false
    const length = this.#slab.length
    if (length === 0) return
    if (this.#closed) {
      this.#slab.reset()
      return
    }
    this.#statistics.bytesSent += length
    this.#statistics.writes++
    this.#socket.write(this.#slab.view(), this.#left)
    // Nothing held: the kernel has copied the slab, and it can be filled again.
    if (this.#socket.writableLength === 0 && length <= SLAB_BYTES_KEPT_MAX) this.#slab.reset()
    else this.#slab.take(Math.min(length, SLAB_BYTES_MAX))
    this.#count()
  }

  /** Gives back the memory of the slab of a connection that is quiet. */
  shrink(): void {
    if (this.#slab.length === 0) this.#slab.take(0)
  }

  /** From now on what is written is dropped. What the socket holds keeps counting until `release`. */
  close(): void {
    this.#closed = true
    this.#slab.take(0)
  }

  release(): void {
    this.#share.release()
  }

  readonly #left = (): void => {
    if (this.#heldBytes > 0) this.#count()
  }

  #count(): void {
    const before = this.#heldBytes
    this.#heldBytes = this.#socket.writableLength
    this.#share.hold(this.#heldBytes)
    if (this.#closed) return
    if (this.#heldBytes > this.#limits.maxUnsentBytes) this.#events.overflowed(this.#heldBytes)
    const bound = this.#limits.pauseReadingBytes
    const choked = this.#choked ? this.unsentBytes * 2 > bound : this.unsentBytes > bound
    if (choked === this.#choked && (before === 0 || this.#heldBytes > 0)) return
    this.#choked = choked
    this.#events.changed()
  }
}
