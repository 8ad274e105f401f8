import { assert } from '../../base/index.ts'
import type { Freeze } from './freeze.ts'
import { mix, mixCounter } from './hash.ts'
import { type SessionState, sessionId } from './session.ts'

/** All sessions. Ids are looked up by their halves: a `bigint` per write would cost more than the look-up. */
export class SessionTable {
  /** Chains of sessions whose halves mix to the same key. */
  readonly #chains = new Map<number, SessionState>()
  readonly #freeze: Freeze
  #size = 0
  #digest = 0

  constructor(freeze: Freeze) {
    this.#freeze = freeze
  }

  get size(): number {
    return this.#size
  }

  /** Sum of the hashes of all sessions. */
  get digest(): number {
    return this.#digest
  }

  get(high: number, low: number): SessionState | undefined {
    let session = this.#chains.get(chainKey(high, low))
    while (session !== undefined && (session.idLow !== low || session.idHigh !== high))
      session = session.chained
    return session
  }

  find(id: bigint): SessionState | undefined {
    const bits = BigInt.asUintN(64, id)
    return this.get(Number(bits >> 32n), Number(bits & 0xffff_ffffn))
  }

  *all(): Generator<SessionState> {
    for (const first of this.#chains.values())
      for (let session: SessionState | undefined = first; session !== undefined; session = session.chained)
        yield session
  }

  add(session: SessionState): void {
    const key = chainKey(session.idHigh, session.idLow)
    assert(this.get(session.idHigh, session.idLow) === undefined, `session ${session.id} is not there yet`)
    session.frozen = this.#freeze.generation
    session.chained = this.#chains.get(key)
    this.#chains.set(key, session)
    this.#size += 1
    session.hash = hashOf(session)
    this.#digest = (this.#digest + session.hash) >>> 0
  }

  delete(session: SessionState): void {
    assert(session.ephemerals.size === 0, `session ${session.id} has no ephemerals left`)
    this.#freeze.beforeSessionChanges(session)
    this.#unchain(session)
    this.#size -= 1
    this.#digest = (this.#digest - session.hash) >>> 0
  }

  /** Another connection takes the session over: what the former one still sends is void. */
  resume(session: SessionState, timeoutMs: number, index: number, leaseMs: number): void {
    this.#freeze.beforeSessionChanges(session)
    session.generation += 1
    session.nextNumber = 1
    session.timeoutMs = timeoutMs
    this.#active(session, index, leaseMs)
  }

  /** The write with the next number was applied. */
  advance(session: SessionState, index: number, leaseMs: number): void {
    this.#freeze.beforeSessionChanges(session)
    session.nextNumber += 1
    this.#active(session, index, leaseMs)
  }

  #active(session: SessionState, index: number, leaseMs: number): void {
    session.lastIndex = index
    session.lastLeaseMs = leaseMs
    const hash = hashOf(session)
    this.#digest = (this.#digest - session.hash + hash) >>> 0
    session.hash = hash
  }

  #unchain(session: SessionState): void {
    const key = chainKey(session.idHigh, session.idLow)
    const first = this.#chains.get(key)
    if (first === session) {
      if (session.chained === undefined) this.#chains.delete(key)
      else this.#chains.set(key, session.chained)
      return
    }
    let before = first
    while (before !== undefined && before.chained !== session) before = before.chained
    assert(before !== undefined, `session ${sessionId(session.idHigh, session.idLow)} is in its chain`)
    before.chained = session.chained
  }
}

function chainKey(high: number, low: number): number {
  return Math.imul(high, 0x9e3779b1) ^ low
}

function hashOf(session: SessionState): number {
  const hash = mixCounter(
    mixCounter(mix(session.identityHash, session.timeoutMs), session.generation),
    session.nextNumber,
  )
  return mixCounter(mixCounter(hash, session.lastIndex), session.lastLeaseMs)
}
