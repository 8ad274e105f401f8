import { outsideCalls } from './call-context.ts'
import { type Deadline, DeadlineWheel, TICK_MS } from './core/index.ts'

/** A timer that fires this much late says that the process was busy or stopped. */
const LATE_MS = 50

/** Drives a wheel of deadlines with one Node timer, which runs only while there are any. */
export class DeadlineTimer<Entry extends Deadline> {
  readonly #wheel: DeadlineWheel<Entry> = new DeadlineWheel<Entry>(performance.now())
  readonly #due: (entry: Entry) => void
  #timer: NodeJS.Timeout | undefined
  #armed = false
  #expectedMs = 0

  constructor(due: (entry: Entry) => void) {
    this.#due = due
  }

  add(entry: Entry, dueMs: number): void {
    this.#wheel.add(entry, dueMs)
    if (!this.#armed) this.#arm()
  }

  remove(entry: Entry): void {
    this.#wheel.remove(entry)
  }

  #arm(): void {
    this.#armed = true
    this.#expectedMs = performance.now() + TICK_MS
    // Only a timer that was never cleared can be started anew.
    if (this.#timer) this.#timer.refresh()
    else this.#timer = outsideCalls(() => setTimeout(() => this.#tick(), TICK_MS))
  }

  #tick(): void {
    // Answers that arrived while this process was late are still unread: they are handled before anyone is timed out.
    if (performance.now() - this.#expectedMs > LATE_MS) setImmediate(() => this.#expire())
    else this.#expire()
  }

  #expire(): void {
    for (const entry of this.#wheel.advance(performance.now())) this.#due(entry)
    if (this.#wheel.size > 0) this.#arm()
    else this.#armed = false
  }
}
