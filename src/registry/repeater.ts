/**
 * Runs one piece of work again and again, never twice at a time: at once when it is kicked (but no sooner than
 * `gapMs` after the start of the last run), otherwise after the pause that the last run asked for.
 */
export class Repeater {
  readonly #work: () => Promise<number>
  readonly #gapMs: number
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #startedMs: number = Number.NEGATIVE_INFINITY
  #kicked = false
  #stopped = false

  /** `work` handles its own errors and returns the pause before the next run, ms. */
  constructor(work: () => Promise<number>, gapMs = 0) {
    this.#work = work
    this.#gapMs = gapMs
  }

  /** There is something to do: a run that starts from now on will see it. */
  kick(): void {
    if (this.#stopped) return
    if (this.#running) this.#kicked = true
    else this.#schedule(0)
  }

  /** No further run starts; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    const gapLeftMs = this.#startedMs + this.#gapMs - performance.now()
    const waitMs = Math.max(delayMs, gapLeftMs, 0)
    if (waitMs === 0) this.#start()
    else this.#timer = setTimeout(() => this.#start(), waitMs)
  }

  #start(): void {
    this.#kicked = false
    this.#startedMs = performance.now()
    this.#running = this.#work().then((pauseMs) => {
      this.#running = undefined
      if (!this.#stopped) this.#schedule(this.#kicked ? 0 : pauseMs)
    })
  }
}
