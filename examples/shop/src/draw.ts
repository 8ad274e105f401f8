import { createHash } from 'node:crypto'

/**
 * A number in [0, 1) that depends on nothing but the seed and the name of the choice, so that a run makes the same
 * choices again however its processes interleave.
 */
export function draw(seed: number, choice: string): number {
  return createHash('sha256').update(`${seed} ${choice}`).digest().readUInt32BE(0) / 2 ** 32
}

/** A whole number in [0, below). */
export function drawBelow(seed: number, choice: string, below: number): number {
  return Math.floor(draw(seed, choice) * below)
}
