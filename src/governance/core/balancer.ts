import type { Member } from './member.ts'

/** Chooses among members that may all be called. Each user of a service has a balancer of its own. */
export interface Balancer<Choice extends Member> {
  /** `choices` has at least one member, each with a weight above 0. `random` draws a uniform integer below 2^32. */
  pick(choices: readonly Choice[], random: () => number): Choice
}
