import { writeSync } from 'node:fs'
import { draw } from './draw.ts'

/** How far an order has come: each of these is just after a durable write, and before anybody was told. */
export type Milestone = 'begun' | 'taken' | 'settled'

/** Told of every milestone of an order that this process began. */
export interface Chaos {
  reached(milestone: Milestone, requestId: string): void
}

export const NO_CHAOS: Chaos = { reached: () => undefined }

/**
 * Kills this very process, as `kill -9` would, in a share of the orders (0 to 1) that the seed chooses: in half of
 * them between the last durable write and the reply, in the others half way. Only the process that began an order
 * dies of it, so a retry with the same request id comes through.
 */
export function dieAtRandom(seed: number, share: number): Chaos {
  return {
    reached(milestone, requestId) {
      if (draw(seed, `dies ${requestId}`) >= share || milestoneOf(seed, requestId) !== milestone) return
      writeSync(2, `dies now: order ${requestId} is ${milestone} and nobody was told\n`)
      process.kill(process.pid, 'SIGKILL')
    },
  }
}

function milestoneOf(seed: number, requestId: string): Milestone {
  const dice = draw(seed, `milestone ${requestId}`)
  if (dice < 0.5) return 'settled'
  return dice < 0.75 ? 'taken' : 'begun'
}
