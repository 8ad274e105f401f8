/** An attempt waits at least this long before its instance counts as silent, ms. */
export const PATIENCE_MS_MIN = 50
export const RETRIES_DEFAULT = 2
export const RETRIES_MAX = 10

/** How an attempt ended without the method's own answer. */
export interface FailedAttempt {
  /** 1 for the first. */
  readonly attempt: number
  /** Not written, refused before the handler, or above the last call that a leaving server took. */
  readonly surelyNotRun: boolean
}

/** What the caller allows. */
export interface RetryPolicy {
  readonly retries: number
  /** Running the method twice does no harm. */
  readonly idempotent: boolean
}

/**
 * The retry rule: again only if it surely did not run, or running twice does no harm. What the method itself
 * answered, an error too, is never asked for again.
 */
export function mayRetry(failed: FailedAttempt, policy: RetryPolicy): boolean {
  return failed.attempt <= policy.retries && (failed.surelyNotRun || policy.idempotent)
}

/**
 * How long an instance may stay silent before the call looks elsewhere, ms: an equal share of the time left for each
 * attempt left, so that frozen instances cannot eat the whole deadline. A slow instance that shows life keeps the
 * call: declaring a method idempotent must not make it fail sooner.
 */
export function patienceMs(remainingMs: number, attempt: number, retries: number): number {
  const attemptsLeft = Math.max(1, retries + 2 - attempt)
  return Math.min(remainingMs, Math.max(PATIENCE_MS_MIN, remainingMs / attemptsLeft))
}
