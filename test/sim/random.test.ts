import { expect, test } from 'vitest'
import { below, chance, pick, seededRandom } from '../../src/sim/index.ts'

function draws(random: ReturnType<typeof seededRandom>, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32())
}

test('the same seed gives the same numbers, another seed others', () => {
  expect(draws(seededRandom(7), 20)).toEqual(draws(seededRandom(7), 20))
  expect(draws(seededRandom(7), 20)).not.toEqual(draws(seededRandom(8), 20))
})

test('a split depends on the seed and its name, not on how much was drawn before', () => {
  const parent = seededRandom('run')
  const early = draws(parent.split('disk'), 5)
  draws(parent, 100)
  expect(draws(parent.split('disk'), 5)).toEqual(early)
  expect(draws(parent.split('network'), 5)).not.toEqual(early)
})

test('draws are spread evenly', () => {
  const random = seededRandom(1)
  const hits = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) hits[below(random, 10)]!++
  for (const count of hits) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  let yes = 0
  for (let i = 0; i < 100_000; i++) if (chance(random, 0.25)) yes++
  expect(Math.abs(yes - 25_000)).toBeLessThan(700)
  expect(['a', 'b']).toContain(pick(random, ['a', 'b']))
})
