import type { OperationKind, Zxid } from '../core/index.ts'

/** A request that waits for its turn: replies leave in the order of the requests. */
export interface PendingRequest {
  readonly xid: number
  readonly code: number
  readonly kind: OperationKind | 'unknown'
  /** Of a write or close that may be applied: its number in the session's generation. 0 for others. */
  number: number
  /** What follows the header, where it is needed when the turn comes. */
  readonly request: Uint8Array
  readonly receivedMs: number
  /** What it counts against the bounds. */
  readonly bytes: number
  /** The result came before the turn did: a write's, or that of a sync. */
  reply: PendingReply | undefined
}

export interface PendingReply {
  /** Undefined for a sync: what is applied when its turn comes. */
  readonly zxid: Zxid | undefined
  readonly error: number
  readonly body: Uint8Array
}

/** First in, first out; a ring that grows. */
export class PendingRequests {
  #ring: (PendingRequest | undefined)[] = new Array(16)
  #head = 0
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): PendingRequest | undefined {
    return this.#ring[this.#head]
  }

  push(request: PendingRequest): void {
    if (this.#count === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = request
    this.#count++
    this.#bytes += request.bytes
  }

  shift(): PendingRequest | undefined {
    const request = this.#ring[this.#head]
    if (request === undefined) return undefined
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#count--
    this.#bytes -= request.bytes
    return request
  }

  /** The write or close with this number. */
  find(number: number): PendingRequest | undefined {
    for (let i = 0; i < this.#count; i++) {
      const request = this.#ring[(this.#head + i) & (this.#ring.length - 1)]!
      if (request.number === number) return request
    }
    return undefined
  }

  /** Answers the writes and closes from number `from` on; they will never be applied. */
  refuse(from: number, reply: PendingReply): void {
    for (let i = 0; i < this.#count; i++) {
      const request = this.#ring[(this.#head + i) & (this.#ring.length - 1)]!
      if (request.number < from) continue
      request.number = 0
      request.reply = reply
    }
  }

  clear(): void {
    this.#ring = new Array(16)
    this.#head = 0
    this.#count = 0
    this.#bytes = 0
  }

  #grow(): void {
    const larger: (PendingRequest | undefined)[] = new Array(this.#ring.length * 2)
    for (let i = 0; i < this.#count; i++) larger[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)]
    this.#ring = larger
    this.#head = 0
  }
}
