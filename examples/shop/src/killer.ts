import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow } from './draw.ts'
import type { SupervisedProcess } from './supervised-process.ts'

/** One planned `kill -9`: when the nth order starts, and a moment later. */
export interface PlannedKill {
  readonly order: number
  readonly delayMs: number
  /** Which of the victims. */
  readonly victim: number
}

/** One kill for every 25 orders, at least two, over the first nine tenths of the orders. */
export function planKills(seed: number, orders: number, victims: number): readonly PlannedKill[] {
  return Array.from({ length: Math.max(2, Math.floor(orders / 25)) }, (_, n) => ({
    order: drawBelow(seed, `kill ${n} at order`, Math.max(1, Math.floor(orders * 0.9))),
    delayMs: drawBelow(seed, `kill ${n} delay`, 40),
    victim: drawBelow(seed, `kill ${n} victim`, victims),
  }))
}

/** Kills by plan. Each kill waits until its victim is up, so that every planned kill hits a provider at work. */
export class Killer {
  readonly #plan: readonly PlannedKill[]
  readonly #victims: readonly SupervisedProcess[]
  readonly #signal: AbortSignal
  readonly #killed = new Set<number>()

  constructor(plan: readonly PlannedKill[], victims: readonly SupervisedProcess[], signal: AbortSignal) {
    this.#plan = plan
    this.#victims = victims
    this.#signal = signal
  }

  /** Whether that process was killed by this killer. */
  has(pid: number): boolean {
    return this.#killed.has(pid)
  }

  async orderStarts(n: number): Promise<void> {
    await Promise.all(this.#plan.filter(({ order }) => order === n).map((kill) => this.#carryOut(kill)))
  }

  async #carryOut({ delayMs, victim }: PlannedKill): Promise<void> {
    await pause(delayMs)
    const process = this.#victims[victim]
    while (process && !this.#signal.aborted) {
      if (process.ready) {
        this.#killed.add(process.pid)
        process.kill('SIGKILL')
        return
      }
      await pause(WAIT_MS)
    }
  }
}

const WAIT_MS = 10
