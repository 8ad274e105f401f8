/** A condition that only a bug of ours can break. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(`assertion failed: ${message}`)
    this.name = 'AssertionError'
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** For the end of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value ${String(value)}`)
}

/** Counters of our own (index, term, offset) are numbers below 2^53. */
export function assertCounter(value: number, name: string): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${name} is a safe non-negative integer, not ${value}`)
}
