import type { ByteReader } from '../../bytes/index.ts'
import { coordinationError } from '../core/index.ts'

/** One request of the application, from the call to its end. */
export interface Call {
  /** `create /a`, for error messages. */
  readonly what: string
  /** A failed read had no effect, whether the server saw it or not. */
  readonly readOnly: boolean
  readonly deadlineMs: number
  readonly timeoutMs: number
  /** Counted against the bounds until the reply came. */
  bytes: number
  /** The encoded frame while it waits for a connection. */
  frame: Uint8Array | undefined
  readonly xid: number
  sentMs: number
  /** Connections that it was sent over. */
  attempts: number
  /** The application has its answer; the reply, if it comes, only keeps the order. */
  settled: boolean
  /** Handed the reply: the body in the reader if `error` is 0. What was given up sets no watch. */
  replied(error: number, reader: ByteReader): void
  fail(error: unknown): void
  /** The frame once more, for another connection. */
  encode(): Uint8Array
}

export interface CallBounds {
  readonly maxCalls: number
  readonly maxCallBytes: number
}

/**
 * The calls of a client: those sent, whose replies come in the same order, and those waiting for a connection.
 * Both together are bounded, in number and bytes.
 */
export class CallQueue {
  readonly #bounds: CallBounds
  #sent: Call[] = []
  #sentHead = 0
  #waiting: Call[] = []
  #bytes = 0

  constructor(bounds: CallBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#sent.length - this.#sentHead + this.#waiting.length
  }

  get sentCount(): number {
    return this.#sent.length - this.#sentHead
  }

  /** When the oldest call without a reply was sent. */
  get oldestSentMs(): number | undefined {
    return this.#sent[this.#sentHead]?.sentMs
  }

  /** Throws `COORDINATION_TOO_MANY_IN_FLIGHT` where one more call would pass a bound. */
  checkRoom(what: string): void {
    const { maxCalls, maxCallBytes } = this.#bounds
    if (this.size < maxCalls && this.#bytes < maxCallBytes) return
    throw coordinationError(
      'COORDINATION_TOO_MANY_IN_FLIGHT',
      `${what}: ${this.size} calls of ${this.#bytes} bytes are under way; allowed: ${maxCalls} calls, ${maxCallBytes} bytes`,
    )
  }

  addSent(call: Call): void {
    this.#bytes += call.bytes
    this.#sent.push(call)
  }

  addWaiting(call: Call): void {
    this.#bytes += call.bytes
    this.#waiting.push(call)
  }

  /** The call that the next reply belongs to. */
  shiftSent(): Call | undefined {
    const call = this.#sent[this.#sentHead]
    if (call === undefined) return undefined
    this.#sentHead++
    this.#bytes -= call.bytes
    if (this.#sentHead === this.#sent.length) {
      this.#sent.length = 0
      this.#sentHead = 0
    } else if (this.#sentHead > 1024) {
      this.#sent = this.#sent.slice(this.#sentHead)
      this.#sentHead = 0
    }
    return call
  }

  takeSent(): readonly Call[] {
    const taken = this.#sent.slice(this.#sentHead)
    this.#sent = []
    this.#sentHead = 0
    for (const call of taken) this.#bytes -= call.bytes
    return taken
  }

  takeWaiting(): readonly Call[] {
    const taken = this.#waiting
    this.#waiting = []
    for (const call of taken) this.#bytes -= call.bytes
    return taken
  }

  /** Forgets waiting calls that the application gave up. */
  dropSettledWaiting(): void {
    const kept = this.#waiting.filter((call) => !call.settled)
    if (kept.length === this.#waiting.length) return
    for (const call of this.#waiting) if (call.settled) this.#bytes -= call.bytes
    this.#waiting = kept
  }

  /** Calls whose time limit has passed; they stay in the order until their reply comes. */
  *expired(nowMs: number): Generator<Call> {
    for (const calls of [this.#sent.slice(this.#sentHead), this.#waiting])
      for (const call of calls) if (!call.settled && call.deadlineMs <= nowMs) yield call
  }

  /** The earliest time limit of the calls that wait for an answer. */
  nextDeadlineMs(): number | undefined {
    let next: number | undefined
    for (const calls of [this.#sent, this.#waiting])
      for (let i = calls === this.#sent ? this.#sentHead : 0; i < calls.length; i++) {
        const call = calls[i]!
        if (!call.settled && (next === undefined || call.deadlineMs < next)) next = call.deadlineMs
      }
    return next
  }
}
