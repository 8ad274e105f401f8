import type { Timer, World } from '../../base/index.ts'
import { type Session, SessionLeases } from '../core/index.ts'

/** A tick that comes later than this share of a tick after its time found the process asleep. */
const LATE_TICKS = 0.25

/**
 * Finds the sessions whose clients have been silent for their whole time-out. Time during which this process was
 * stopped or busy is nobody's silence: it is taken out of the clock, and what arrived meanwhile is read first.
 */
export class SessionExpiry {
  readonly #world: World
  readonly #tickMs: number
  readonly #leases: SessionLeases
  readonly #expire: (session: Session) => void
  #absentMs = 0
  #dueMs = 0
  #timer: Timer | undefined

  constructor(world: World, tickMs: number, expire: (session: Session) => void) {
    this.#world = world
    this.#tickMs = tickMs
    this.#leases = new SessionLeases(tickMs)
    this.#expire = expire
  }

  /** Grants every session its full time from now, and begins to watch the time. */
  start(sessions: Iterable<Session>): void {
    for (const session of sessions) this.heardFrom(session)
    this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  heardFrom(session: Session): void {
    this.#leases.touch(session, this.#nowMs())
  }

  forget(session: Session): void {
    this.#leases.forget(session)
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs() - this.#absentMs
  }

  #arm(): void {
    this.#dueMs = this.#world.clock.monotonicMs() + this.#tickMs
    this.#timer = this.#world.timers.after(this.#tickMs, () => {
      // The sockets are read between a timer and the timer that it sets.
      this.#timer = this.#world.timers.after(0, () => this.#tick())
    })
  }

  #tick(): void {
    const lateMs = this.#world.clock.monotonicMs() - this.#dueMs
    if (lateMs > this.#tickMs * LATE_TICKS) this.#absentMs += lateMs
    for (const session of this.#leases.expired(this.#nowMs())) this.#expire(session)
    this.#arm()
  }
}
