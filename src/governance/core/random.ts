import type { Balancer } from './balancer.ts'
import type { Member } from './member.ts'

/** Each call independently, in proportion to the weights. */
export class RandomBalancer<Choice extends Member> implements Balancer<Choice> {
  pick(choices: readonly Choice[], random: () => number): Choice {
    let total = 0
    for (const choice of choices) total += choice.weight
    let ticket = (random() / 0x1_0000_0000) * total
    for (const choice of choices) {
      ticket -= choice.weight
      if (ticket < 0) return choice
    }
    // Rounding may leave a ticket of zero after the last.
    return choices[choices.length - 1]!
  }
}
