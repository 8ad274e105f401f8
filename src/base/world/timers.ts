/** A timer that was set; cancelling one that fired, or twice, does nothing. */
export interface Timer {
  cancel(): void
}

export interface Timers {
  /** Calls `action` once, not before `delayMs` milliseconds of monotonic time have passed. */
  after(delayMs: number, action: () => void): Timer
}
