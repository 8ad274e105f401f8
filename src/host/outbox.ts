import type { Socket } from 'node:net'
import { ByteWriter } from '../bytes/index.ts'
import type { BudgetShare } from './memory-budget.ts'

/** A slab of this size leaves between two frames, before the turn ends. */
const SLAB_BYTES_MAX = 64 * 1024
/**
 * The socket holds one write at a time, of at most this size: every one that leaves is progress that a time limit can
 * see. A slab that grew larger is written in pieces, and its memory is not used again.
 */
const WRITE_BYTES_MAX = 256 * 1024

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
 * The way out: what is written during a turn of the event loop gathers in one slab and leaves in one system call; while
 * the peer does not read, it waits in order. Counts what waits, and says when the peer should not be read from.
 */
export class Outbox {
  readonly #socket: Socket
  readonly #limits: OutboxLimits
  readonly #statistics: SendStatistics
  readonly #share: BudgetShare
  readonly #events: OutboxEvents
  readonly #slab = new ByteWriter(0)
  /** Full slabs that wait for the socket; empty while it holds nothing. */
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  /** Bytes that the socket holds. */
  #heldBytes = 0
  #scheduled = false
  #waiting = false
  #choked = false
  #ended = false

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
    return this.#queuedBytes + this.#heldBytes + (this.#ended ? 0 : this.#slab.length)
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
  relieve(): void {
    if (this.#slab.length >= SLAB_BYTES_MAX) this.flush()
  }

  /** Hands the slab to the socket, or to the queue before it. */
  readonly flush = (): void => {
    this.#scheduled = false
    const { length } = this.#slab
    if (this.#ended) this.#slab.reset()
    else if (length > 0) {
      if (this.#heldBytes === 0) this.#sendSlab()
      else if (length >= SLAB_BYTES_MAX) this.#enqueue()
      this.#count()
    }
  }

  /** What was written until now leaves, then this side of the socket ends; what is written later is dropped. */
  end(): void {
    if (this.#ended) return
    this.flush()
    this.#enqueue()
    this.#ended = true
    this.#count()
    if (this.unsentBytes === 0) this.#socket.end()
  }

  /** Drops everything. */
  close(): void {
    this.#ended = true
    this.#slab.take(0)
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#heldBytes = 0
    this.#share.release()
  }

  /** Gives back the memory of the slab of a connection that is quiet. */
  shrink(): void {
    if (this.#slab.length === 0) this.#slab.take(0)
  }

  #sendSlab(): void {
    const { length } = this.#slab
    if (length > WRITE_BYTES_MAX) {
      this.#enqueue()
      return
    }
    this.#write(this.#slab.view())
    // Nothing held: the kernel has copied the slab, and it can be filled again.
    if (this.#heldBytes === 0) this.#slab.reset()
    else this.#slab.take(Math.min(length, SLAB_BYTES_MAX))
  }

  #enqueue(): void {
    if (this.#slab.length === 0) return
    this.#queuedBytes += this.#slab.length
    this.#queue.push(this.#slab.take(SLAB_BYTES_MAX))
    this.#pump()
  }

  #pump(): void {
    while (this.#heldBytes === 0 && this.#queue.length > 0) this.#write(this.#nextPiece())
    if (this.#heldBytes === 0 && this.#slab.length > 0 && !this.#ended) this.#sendSlab()
  }

  #nextPiece(): Uint8Array {
    const front = this.#queue[0]!
    const piece = front.subarray(0, WRITE_BYTES_MAX)
    if (piece.length === front.length) this.#queue.shift()
    else this.#queue[0] = front.subarray(WRITE_BYTES_MAX)
    this.#queuedBytes -= piece.length
    return piece
  }

  #write(bytes: Uint8Array): void {
    this.#statistics.bytesSent += bytes.length
    this.#statistics.writes++
    this.#socket.write(bytes, this.#left)
    this.#heldBytes = this.#socket.writableLength
  }

  readonly #left = (): void => {
    if (this.#heldBytes === 0) return
    this.#heldBytes = this.#socket.writableLength
    this.#pump()
    this.#count()
    if (this.#ended && this.unsentBytes === 0) this.#socket.end()
  }

  #count(): void {
    const { unsentBytes } = this
    this.#share.hold(this.#heldBytes === 0 ? 0 : unsentBytes)
    if (unsentBytes > this.#limits.maxUnsentBytes) this.#events.overflowed(unsentBytes)
    const bound = this.#limits.pauseReadingBytes
    const choked = this.#choked ? unsentBytes * 2 > bound : unsentBytes > bound
    const emptied = this.#waiting && unsentBytes === 0
    this.#waiting = unsentBytes > 0
    if (choked === this.#choked && !emptied) return
    this.#choked = choked
    this.#events.changed()
  }
}
