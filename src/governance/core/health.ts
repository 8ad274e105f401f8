/** How long an instance is avoided after its first failure, ms; each further one doubles it. */
export const AVOID_MS_MIN = 1_000
export const AVOID_MS_MAX = 30_000

/**
 * What a caller knows about one address from its own traffic. An instance that could not be reached, lost its
 * connection or gave no sign of life is avoided for a while, and afterwards tried with one call at a time until it
 * shows life. Not a breaker: answers that are errors are answers.
 */
export class Health {
  #failures = 0
  #avoidUntilMs = 0
  #inFlight = 0

  get suspected(): boolean {
    return this.#failures > 0
  }

  /** Whether calls should go there while there are others to choose from. */
  eligible(nowMs: number): boolean {
    return this.#failures === 0 || (nowMs >= this.#avoidUntilMs && this.#inFlight === 0)
  }

  onStart(): void {
    this.#inFlight++
  }

  onEnd(): void {
    this.#inFlight--
  }

  /** No connection, a lost one, or silence. A burst of calls that fail together counts once. */
  failed(nowMs: number): void {
    if (this.#failures > 0 && nowMs < this.#avoidUntilMs) return
    this.#avoidUntilMs = nowMs + Math.min(AVOID_MS_MIN * 2 ** this.#failures, AVOID_MS_MAX)
    this.#failures++
  }

  /** It answered something: nothing is held against it any more. */
  alive(): void {
    this.#failures = 0
    this.#avoidUntilMs = 0
  }
}
