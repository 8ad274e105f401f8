import type { Random } from '../base/index.ts'

/**
 * A stream of pseudo-random numbers that a seed determines (sfc32: 128 bits of state, passes PractRand). A split
 * depends on the seed and the name alone, so one more draw by the network changes nothing for the disk.
 */
export function seededRandom(seed: number | string): Random {
  const name = String(seed)
  const next = sfc32(name)
  return { uint32: next, split: (part) => seededRandom(`${name}/${part}`) }
}

/** A uniform integer in [0, limit). */
export function below(random: Random, limit: number): number {
  return Math.floor((random.uint32() / 2 ** 32) * limit)
}

export function chance(random: Random, probability: number): boolean {
  return random.uint32() / 2 ** 32 < probability
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[below(random, items.length)]!
}

/** A real number in [min, max). */
export function between(random: Random, min: number, max: number): number {
  return min + (random.uint32() / 2 ** 32) * (max - min)
}

const WARM_UP_ROUNDS = 12

function sfc32(seed: string): () => number {
  let a = fnv1a(seed, 0x811c9dc5)
  let b = fnv1a(seed, 0x01000193)
  let c = fnv1a(seed, 0x9e3779b9)
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < WARM_UP_ROUNDS; i++) next()
  return next
}

function fnv1a(text: string, start: number): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
