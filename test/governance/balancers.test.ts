import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BALANCER_NAMES, Health, type Member, makeBalancer } from '../../src/governance/index.ts'
import { seededRandom } from './random.ts'

interface Named extends Member {
  readonly name: string
}

const member = (name: string, weight = 100): Named => ({ name, weight, health: new Health() })

function counts(
  balancer: ReturnType<typeof makeBalancer<Named>>,
  choices: readonly Named[],
  draws: number,
  seed = 1,
) {
  const random = seededRandom(seed)
  const chosen = new Map<string, number>()
  for (let i = 0; i < draws; i++) {
    const { name } = balancer.pick(choices, random)
    chosen.set(name, (chosen.get(name) ?? 0) + 1)
  }
  return chosen
}

describe.each(BALANCER_NAMES)('the %s balancer', (name) => {
  it('chooses only among the choices, and each of them in the long run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (weights, seed) => {
          const choices = weights.map((weight, i) => member(`m${i}`, weight))
          const chosen = counts(makeBalancer(name), choices, 4_000, seed)
          expect([...chosen.keys()].sort()).toEqual(choices.map((choice) => choice.name).sort())
        },
      ),
      { numRuns: 30 },
    )
  })

  it('keeps to the weights', () => {
    const chosen = counts(makeBalancer(name), [member('a', 300), member('b', 100)], 4_000)
    expect(chosen.get('a')! / chosen.get('b')!).toBeGreaterThan(2.6)
    expect(chosen.get('a')! / chosen.get('b')!).toBeLessThan(3.4)
  })
})

describe('round robin', () => {
  it('goes in turn where the weights are equal', () => {
    const balancer = makeBalancer<Named>('round-robin')
    const choices = ['a', 'b', 'c'].map((name) => member(name))
    const random = seededRandom(1)
    const order = Array.from({ length: 9 }, () => balancer.pick(choices, random).name).join('')
    expect('abcabcabcabc').toContain(order)
  })

  it('spreads the turns of a heavy member', () => {
    const balancer = makeBalancer<Named>('round-robin')
    const choices = [member('a', 5), member('b', 1), member('c', 1)]
    const order = Array.from({ length: 14 }, () => balancer.pick(choices, () => 0).name).join('')
    expect(order).toBe('aabacaaaabacaa')
  })

  it('does not make everyone begin with the same member', () => {
    const choices = ['a', 'b', 'c'].map((name) => member(name))
    const first = new Set(
      [0, 1, 2].map((draw) => makeBalancer<Named>('round-robin').pick(choices, () => draw).name),
    )
    expect(first.size).toBe(3)
  })

  it('stays fair when members come and go', () => {
    const balancer = makeBalancer<Named>('round-robin')
    const [a, b, c] = [member('a'), member('b'), member('c')]
    const chosen = new Map([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ])
    for (let i = 0; i < 600; i++) {
      const choices = i % 200 < 100 ? [a, b, c] : [a, b]
      const { name } = balancer.pick(choices, () => 0)
      chosen.set(name, chosen.get(name)! + 1)
    }
    expect(Math.abs(chosen.get('a')! - chosen.get('b')!)).toBeLessThan(20)
    expect(chosen.get('c')!).toBeGreaterThan(90)
  })
})
