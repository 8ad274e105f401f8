import type { FenbuError } from '../../base/index.ts'
import { rpcError } from './errors.ts'

export type Admission = 'accepted' | 'overloaded' | 'draining'

/**
 * The calls of one connection, seen from the server. A call counts as in flight until its handler has ended, also
 * when it was cancelled long before: a peer that calls and cancels in a loop gets no more than its bound.
 */
export class ServerCalls<Call> {
  readonly #running = new Map<number, Call>()
  readonly #max: number
  #lastCallId = 0
  #inFlight = 0
  #draining = false

  constructor(max: number) {
    this.#max = max
  }

  /** Handlers that have not ended. */
  get inFlight(): number {
    return this.#inFlight
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Admits a call or says why not. Throws `RPC_PROTOCOL_VIOLATION` unless ids only go up. */
  admit(callId: number): Admission {
    if (callId <= this.#lastCallId)
      throw violation(`call id ${callId} after ${this.#lastCallId}: ids only go up`)
    this.#lastCallId = callId
    if (this.#draining) return 'draining'
    return this.#inFlight >= this.#max ? 'overloaded' : 'accepted'
  }

  start(callId: number, call: Call): void {
    this.#running.set(callId, call)
    this.#inFlight++
  }

  /** The answer is no longer wanted; undefined if the call has ended or never was. */
  cancel(callId: number): Call | undefined {
    const call = this.#running.get(callId)
    this.#running.delete(callId)
    return call
  }

  /** The handler has ended. True if its answer is still wanted. */
  finish(callId: number): boolean {
    this.#inFlight--
    return this.#running.delete(callId)
  }

  /** From now on nothing is admitted. Returns the last call id that was. */
  drain(): number {
    this.#draining = true
    return this.#lastCallId
  }

  /** The connection is gone: the calls whose answers nobody can receive. */
  abandon(): Call[] {
    const calls = [...this.#running.values()]
    this.#running.clear()
    return calls
  }
}

function violation(message: string): FenbuError {
  return rpcError('RPC_PROTOCOL_VIOLATION', message)
}
