import type { FenbuError, Outcome } from '../../base/index.ts'

const declared = new WeakMap<object, Outcome>()

/**
 * Says on purpose what the caller of a handler may conclude from the error that the handler throws:
 * `throw declareOutcome(new FenbuError('SHOP_SOLD_OUT', 'not-executed', 'none left'), 'not-executed')`. Without it the
 * outcome that an error carries is not believed across processes: it speaks of the one operation that failed, not of
 * what the handler did before it. Returns the error.
 */
export function declareOutcome<Failure extends FenbuError>(error: Failure, outcome: Outcome): Failure {
  declared.set(error, outcome)
  return error
}

/** What the method as a whole is known to have done; `unknown` unless its handler declared it. */
export function declaredOutcome(error: FenbuError): Outcome {
  return declared.get(error) ?? 'unknown'
}
