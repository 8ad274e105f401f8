import { randomBytes } from 'node:crypto'
import type { Clock, Random, Timer, Timers } from '../base/index.ts'

/** The longest delay that setTimeout takes; longer ones are set again. */
const DELAY_MS_MAX = 2 ** 31 - 1

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

export const nodeTimers: Timers = {
  after(delayMs: number, action: () => void): Timer {
    let timer: NodeJS.Timeout
    const arm = (left: number): void => {
      timer = setTimeout(
        () => (left > DELAY_MS_MAX ? arm(left - DELAY_MS_MAX) : action()),
        Math.min(left, DELAY_MS_MAX),
      )
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
