/**
 * What is known about an operation that failed. Retries, transactions and proposals all read this one word:
 * `not-executed` may be tried again, `executed` must not be, `unknown` only if it is idempotent.
 */
export type Outcome = 'not-executed' | 'executed' | 'unknown'

/** One row of an area's table of errors; `docs/errors.md` lists the same rows. */
export interface ErrorSpec {
  /** The outcome unless the thrower knows better. */
  readonly outcome: Outcome
  /** What happened, for someone who has only the code. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}

/**
 * The one error class: the world misbehaved (a failed `assert` is a bug of ours instead).
 * `code` is stable (`AREA_REASON`); `message` names the thing, the value seen and the way out.
 */
export class FenbuError<Code extends string = string> extends Error {
  readonly code: Code
  readonly outcome: Outcome

  constructor(code: Code, outcome: Outcome, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.name = 'FenbuError'
    this.code = code
    this.outcome = outcome
  }
}

/** Options of an error made by an area's factory. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** Overrides the outcome of the table where the thrower knows more. */
  readonly outcome?: Outcome
}

/** All errors of one area; the union of their codes is declared beside it. */
export type ErrorTable<Code extends string> = Readonly<Record<Code, ErrorSpec>>

/** Makes the errors of one area from its table: `const rpcError = errorFactory(RPC_ERRORS)`. */
export function errorFactory<Code extends string>(
  table: ErrorTable<Code>,
): (code: Code, message: string, details?: ErrorDetails) => FenbuError<Code> {
  return (code, message, details = {}) =>
    new FenbuError(
      code,
      details.outcome ?? table[code].outcome,
      message,
      'cause' in details ? { cause: details.cause } : {},
    )
}

/** True for a fenbu error (of that code, if one is given), also when it comes from another copy of the package. */
export function isFenbuError<Code extends string = string>(
  error: unknown,
  code?: Code,
): error is FenbuError<Code> {
  return (
    error instanceof Error &&
    error.name === 'FenbuError' &&
    typeof (error as { code?: unknown }).code === 'string' &&
    (code === undefined || (error as { code?: unknown }).code === code)
  )
}
