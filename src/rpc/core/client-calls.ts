import { assert } from '../../base/index.ts'
import { CALL_ID_MAX } from './frame-codec.ts'

/** What a connection writes down on a call. */
export interface WrittenCall {
  /** Where its frame starts in the stream of the connection, bytes. */
  writtenAt: number
}

/** What a lost connection means for the calls on it. */
export interface LostCalls<Call> {
  /** Their bytes never left this process: surely not run. */
  readonly unsent: readonly Call[]
  /** They may or may not have run. */
  readonly sent: readonly Call[]
}

/** The calls of one connection, seen from the client: who gets which answer, and who surely did not run. */
export class ClientCalls<Call extends WrittenCall> {
  readonly #pending = new Map<number, Call>()
  readonly #max: number
  #nextId = 1
  #lastAccepted = CALL_ID_MAX

  /** `max`: calls that the server takes at once. */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#pending.size
  }

  get full(): boolean {
    return this.#pending.size >= this.#max
  }

  /** No further call may be opened: the server goes away, or the numbers ran out. */
  get closing(): boolean {
    return this.#lastAccepted !== CALL_ID_MAX || this.#nextId > CALL_ID_MAX
  }

  /** Numbers a call whose frame is about to be written at `offset` of the stream. */
  open(call: Call, offset: number): number {
    assert(!this.closing, 'calls are opened on connections that take them')
    const id = this.#nextId++
    call.writtenAt = offset
    this.#pending.set(id, call)
    return id
  }

  /** The call that an answer or a cancellation is for; undefined if it is settled already. */
  settle(callId: number): Call | undefined {
    const call = this.#pending.get(callId)
    if (call !== undefined) this.#pending.delete(callId)
    return call
  }

  /** Whether this number was ever given out here: an answer to another is a violation, a late one is not. */
  issued(callId: number): boolean {
    return callId < this.#nextId
  }

  /** The server takes nothing above `lastAccepted`: the calls returned surely did not run. */
  goAway(lastAccepted: number): Call[] {
    this.#lastAccepted = Math.min(this.#lastAccepted, lastAccepted, CALL_ID_MAX - 1)
    const refused: Call[] = []
    for (const [id, call] of this.#pending) {
      if (id <= this.#lastAccepted) continue
      this.#pending.delete(id)
      refused.push(call)
    }
    return refused
  }

  /** The connection is gone after `sentBytes` bytes of the stream were handed to the operating system. */
  lost(sentBytes: number): LostCalls<Call> {
    const unsent: Call[] = []
    const sent: Call[] = []
    for (const call of this.#pending.values()) (call.writtenAt >= sentBytes ? unsent : sent).push(call)
    this.#pending.clear()
    return { unsent, sent }
  }
}
