import type { Balancer } from './balancer.ts'
import type { Member } from './member.ts'
import { RandomBalancer } from './random.ts'
import { RoundRobinBalancer } from './round-robin.ts'

export const BALANCER_NAMES = ['round-robin', 'random'] as const
export type BalancerName = (typeof BALANCER_NAMES)[number]

export function makeBalancer<Choice extends Member>(name: BalancerName): Balancer<Choice> {
  return name === 'random' ? new RandomBalancer<Choice>() : new RoundRobinBalancer<Choice>()
}
