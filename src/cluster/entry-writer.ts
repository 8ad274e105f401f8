import { assert } from '../base/index.ts'
import type { LogStream, StreamWrite } from '../storage/index.ts'
import { isForWantOfRoom } from './refusal.ts'

interface WaitingWrite {
  readonly write: StreamWrite
  readonly bytes: number
  readonly written: () => void
}

/**
 * What a replicated log wants written, in its order. The log has acted on it, so a write that there was no room for
 * is neither lost nor passed by a later one: it waits, and those after it with it, until `retry` finds room. The
 * replica bounds the bytes.
 */
export class EntryWriter {
  readonly #stream: LogStream
  readonly #failed: (error: unknown) => void
  /** Oldest first; of them the first `#handedOver` were handed to the stream. */
  readonly #waiting: WaitingWrite[] = []
  #handedOver = 0
  /** Of those handed over, the last so many were refused: the stream refuses all that follow a refused one. */
  #refused = 0
  #bytes = 0
  #isStopped = false
  #idle: (() => void) | undefined

  constructor(stream: LogStream, failed: (error: unknown) => void) {
    this.#stream = stream
    this.#failed = failed
  }

  /** Of everything that is not durable yet. */
  get bytes(): number {
    return this.#bytes
  }

  push(write: StreamWrite, bytes: number, written: () => void): void {
    this.#bytes += bytes
    this.#waiting.push({ write, bytes, written })
    if (this.#handedOver === this.#waiting.length - 1) this.retry()
  }

  /** Hands over what waits, as far as there is room by now. */
  retry(): void {
    while (!this.#isStopped && this.#refused === 0 && this.#handedOver < this.#waiting.length)
      if (!this.#handOver(this.#waiting[this.#handedOver]!)) return
  }

  /** Waits for what is under way; what was refused is given up. */
  async close(): Promise<void> {
    this.#isStopped = true
    if (this.#handedOver > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
  }

  /** Nothing more is written. */
  stop(): void {
    this.#isStopped = true
    this.#idle?.()
  }

  #handOver({ write }: WaitingWrite): boolean {
    try {
      this.#stream.write(write, (error) => this.#ended(error))
    } catch (error) {
      if (!isForWantOfRoom(error)) throw error
      return false
    }
    this.#handedOver++
    return true
  }

  #ended(error: unknown): void {
    if (error === undefined) this.#written()
    else if (isForWantOfRoom(error)) this.#refused++
    else this.#failed(error)
    if (this.#refused > 0 && this.#refused === this.#handedOver) {
      this.#handedOver = 0
      this.#refused = 0
    }
    if (this.#handedOver === 0) this.#idle?.()
  }

  #written(): void {
    assert(this.#refused === 0, 'nothing is written after what was refused')
    const { bytes, written } = this.#waiting.shift()!
    this.#handedOver--
    this.#bytes -= bytes
    written()
  }
}
