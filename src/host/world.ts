import { randomBytes } from 'node:crypto'
import type { Clock, Random, Timer, Timers } from '../base/index.ts'

/** The longest delay that setTimeout takes; longer ones are set again. */
const DELAY_MS_MAX = 2 ** 31 - 1

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

/** setTimeout may fire more than a millisecond early by the monotonic clock; these never do. */
export const nodeTimers: Timers = {
  after(delayMs: number, action: () => void): Timer {
    const dueMs = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      timer = setTimeout(fire, Math.min(Math.ceil(leftMs), DELAY_MS_MAX))
    }
    const fire = (): void => {
      const leftMs = dueMs - performance.now()
      if (leftMs > 0) arm(leftMs)
      else action()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Randomness of the operating system: every split is independent by itself. */
export const nodeRandom: Random = {
  uint32: () => randomBytes(4).readUInt32BE(0),
  split: () => nodeRandom,
}
