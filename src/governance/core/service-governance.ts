import type { Balancer } from './balancer.ts'
import type { Member } from './member.ts'
import { RandomBalancer } from './random.ts'

/**
 * Chooses the instance for each attempt of the calls to one service: candidates that take calls, less those that
 * are suspected or were tried by this call, through the balancer. Whoever is left over is better than nobody.
 */
export class ServiceGovernance<Choice extends Member> {
  readonly #balancer: Balancer<Choice>
  /** Retries take no turns: with two instances, each call would begin at the one that fails. */
  readonly #retryBalancer: Balancer<Choice> = new RandomBalancer<Choice>()
  #members: readonly Choice[] = []

  constructor(balancer: Balancer<Choice>) {
    this.#balancer = balancer
  }

  get members(): readonly Choice[] {
    return this.#members
  }

  /** A new list of instances; a weight of 0 is left out. */
  update(members: readonly Choice[]): void {
    this.#members = members.filter((member) => member.weight > 0)
  }

  /** Undefined only if no instance takes calls. `fits`: which instances may be chosen at all; default all. */
  pick(
    nowMs: number,
    random: () => number,
    tried: readonly Choice[],
    fits?: (member: Choice) => boolean,
  ): Choice | undefined {
    const members = fits === undefined ? this.#members : this.#members.filter(fits)
    const choices = availableChoices(members, nowMs, tried)
    if (choices.length === 0) return undefined
    return (tried.length === 0 ? this.#balancer : this.#retryBalancer).pick(choices, random)
  }

  onStart(member: Choice): void {
    member.health.onStart()
  }

  /** `failedMs`: when there was no connection, a lost one, or silence; an answer of any kind is none of these. */
  onEnd(member: Choice, failedMs: number | undefined): void {
    member.health.onEnd()
    if (failedMs !== undefined) member.health.failed(failedMs)
  }
}

function availableChoices<Choice extends Member>(
  members: readonly Choice[],
  nowMs: number,
  tried: readonly Choice[],
): readonly Choice[] {
  if (tried.length === 0 && members.every((member) => member.health.eligible(nowMs))) return members
  const fresh = members.filter((member) => !tried.includes(member))
  const healthy = fresh.filter((member) => member.health.eligible(nowMs))
  if (healthy.length > 0) return healthy
  // Tried but healthy beats untried but suspected only when nothing untried is left.
  return fresh.length > 0 ? fresh : members
}
