import type { Balancer } from './balancer.ts'
import type { Member } from './member.ts'

/**
 * In turn. With different weights in the smooth order: everyone earns its weight each turn, the richest is chosen
 * and pays what all have earned; a weight of 5 beside 1 and 1 gives a a b a c a a, never five in a row.
 */
export class RoundRobinBalancer<Choice extends Member> implements Balancer<Choice> {
  readonly #earned = new WeakMap<Choice, number>()
  #turn = 0
  #started = false

  pick(choices: readonly Choice[], random: () => number): Choice {
    if (!this.#started) {
      // Many callers that start together must not all begin with the same instance.
      this.#started = true
      this.#turn = random() % choices.length
    }
    return equalWeights(choices) ? choices[this.#turn++ % choices.length]! : this.#smooth(choices)
  }

  #smooth(choices: readonly Choice[]): Choice {
    let total = 0
    let best = choices[0]!
    let most = Number.NEGATIVE_INFINITY
    for (const choice of choices) {
      const earned = (this.#earned.get(choice) ?? 0) + choice.weight
      this.#earned.set(choice, earned)
      total += choice.weight
      if (earned > most) {
        most = earned
        best = choice
      }
    }
    this.#earned.set(best, most - total)
    return best
  }
}

function equalWeights(choices: readonly Member[]): boolean {
  for (const { weight } of choices) if (weight !== choices[0]!.weight) return false
  return true
}
