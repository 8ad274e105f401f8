import type { Member } from './member.ts'
import { RandomBalancer } from './random.ts'
import { RoundRobinBalancer } from './round-robin.ts'

/** Chooses among members that may all be called. Each user of a service has a balancer of its own. */
export interface Balancer<Choice extends Member> {
  /** `choices` has at least one member, each with a weight above 0. `random` draws a uniform integer below 2^32. */
  pick(choices: readonly Choice[], random: () => number): Choice
}

export const BALANCER_NAMES = ['round-robin', 'random'] as const
export type BalancerName = (typeof BALANCER_NAMES)[number]

export function makeBalancer<Choice extends Member>(name: BalancerName): Balancer<Choice> {
  return name === 'random' ? new RandomBalancer<Choice>() : new RoundRobinBalancer<Choice>()
}
