import type { Session } from './session.ts'

/**
 * When the leader last heard from each session, and so when its lease ends. Volatile: it is not replicated, and a
 * new leader grants everyone a full time-out. Times are any clock that never goes back, such as replicated time.
 *
 * Deadlines are rounded up to the next tick, so that hearing from a session again within a tick costs one look-up.
 */
export class SessionLeases {
  readonly #tickMs: number
  readonly #deadlines = new Map<Session, number>()
  readonly #buckets = new Map<number, Set<Session>>()

  /** `tickMs`: how late an expiry may be; expiries come in bursts if it is large. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#deadlines.size
  }

  /** Something came from the session: its lease runs for a full time-out from now. Never shortens it. */
  touch(session: Session, nowMs: number): void {
    const deadline = (Math.floor((nowMs + session.timeoutMs) / this.#tickMs) + 1) * this.#tickMs
    const before = this.#deadlines.get(session)
    if (before !== undefined && before >= deadline) return
    this.#leaveBucket(session, before)
    this.#enterBucket(session, deadline)
  }

  /** The session has ended. */
  forget(session: Session): void {
    this.#leaveBucket(session, this.#deadlines.get(session))
    this.#deadlines.delete(session)
  }

  /** Another server leads: what this one heard is of no use. */
  clear(): void {
    this.#deadlines.clear()
    this.#buckets.clear()
  }

  /**
   * Sessions whose lease has ended: propose `expire(session, session.lastIndex)` for each. One that is neither
   * forgotten nor touched is named again a tick later, since a proposal may be lost.
   */
  expired(nowMs: number): readonly Session[] {
    const found: Session[] = []
    for (const [deadline, sessions] of this.#buckets) {
      if (deadline > nowMs) continue
      this.#buckets.delete(deadline)
      found.push(...sessions)
    }
    const again = (Math.floor(nowMs / this.#tickMs) + 1) * this.#tickMs
    for (const session of found) this.#enterBucket(session, again)
    return found
  }

  #enterBucket(session: Session, deadline: number): void {
    this.#deadlines.set(session, deadline)
    const bucket = this.#buckets.get(deadline)
    if (bucket === undefined) this.#buckets.set(deadline, new Set([session]))
    else bucket.add(session)
  }

  #leaveBucket(session: Session, deadline: number | undefined): void {
    if (deadline === undefined) return
    const bucket = this.#buckets.get(deadline)
    bucket?.delete(session)
    if (bucket?.size === 0) this.#buckets.delete(deadline)
  }
}
