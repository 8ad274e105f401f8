const failures = new WeakSet<object>()

/** Remembers that an error is the end of a call made by this process, not one that its own code threw. */
export function markCallFailure<Failure>(error: Failure): Failure {
  if (typeof error === 'object' && error !== null) failures.add(error)
  return error
}

export function isCallFailure(error: unknown): boolean {
  return typeof error === 'object' && error !== null && failures.has(error)
}
