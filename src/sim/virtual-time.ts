import { assert, type Clock, type Timer, type Timers } from '../base/index.ts'

/**
 * Lets everything that is ready run: code under test awaits, and what it awaits must be over before time goes on.
 * The pure zone has no event loop to wait for, so the caller hands one in: in Node `() => new Promise(setImmediate)`.
 */
export type Settle = () => Promise<unknown>

interface TimeEvent {
  readonly atMs: number
  /** Order among events of the same time: the order in which they were set. */
  readonly number: number
  readonly action: () => void
  cancelled: boolean
}

/** Time that stands still until the next event is run: the same seed gives the same run on any machine. */
export class VirtualTime {
  /** A binary heap, the next event first. */
  readonly #events: TimeEvent[] = []
  #nowMs = 0
  #wallOffsetMs: number
  #nextNumber = 0
  #eventsRun = 0

  readonly clock: Clock = { monotonicMs: () => this.#nowMs, wallMs: () => this.#nowMs + this.#wallOffsetMs }
  readonly timers: Timers = { after: (delayMs, action) => this.after(delayMs, action) }

  /** `wallMs` is what the wall clock shows at the start. */
  constructor(wallMs = 1_600_000_000_000) {
    this.#wallOffsetMs = wallMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get eventsRun(): number {
    return this.#eventsRun
  }

  /** The wall clock jumps; the monotonic one does not notice. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  after(delayMs: number, action: () => void): Timer {
    assert(delayMs >= 0, `a delay is not negative: ${delayMs}`)
    const event = { atMs: this.#nowMs + delayMs, number: this.#nextNumber++, action, cancelled: false }
    this.#push(event)
    return {
      cancel: () => {
        event.cancelled = true
      },
    }
  }

  /** Runs the next event; false if there is none. */
  runNext(): boolean {
    for (let event = this.#pop(); event; event = this.#pop()) {
      if (event.cancelled) continue
      this.#nowMs = event.atMs
      this.#eventsRun++
      event.action()
      return true
    }
    return false
  }

  /** Runs up to `maxEvents` events, letting code settle after each; stops early when `done` or nothing is left. */
  async run(settle: Settle, maxEvents: number, done: () => boolean = () => false): Promise<void> {
    await settle()
    for (let i = 0; i < maxEvents && !done() && this.runNext(); i++) await settle()
  }

  #push(event: TimeEvent): void {
    const heap = this.#events
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  #pop(): TimeEvent | undefined {
    const heap = this.#events
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: TimeEvent, b: TimeEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
}
