import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { isFenbuError } from '../../base/index.ts'
import { type RemoteFailure, rpcError } from '../core/index.ts'
import { declaredOutcome } from './declared-outcome.ts'

/** What this process is told of a handler's failure that its caller must not see. */
export interface HandlerFailure {
  /** Also in the message that the caller gets. */
  readonly id: string
  readonly service: string
  readonly method: string
  readonly error: unknown
}

/**
 * How a handler's error crosses. A FenbuError with its code, message and details, and with the outcome that the
 * handler declared; anything else stays here, under an id that the caller is given.
 */
export function crossingFailure(
  error: unknown,
  service: string,
  method: string,
  report: (failure: HandlerFailure) => void,
): RemoteFailure {
  const told = asTold(error)
  if (told !== undefined) return told
  const id = randomBytes(4).toString('hex')
  reportSafely({ id, service, method, error }, report)
  return {
    code: 'RPC_INTERNAL',
    outcome: 'unknown',
    message: `${service}.${method} failed (id ${id})`,
    details: undefined,
  }
}

/** Undefined if it is not for callers; a handler may throw anything, also what throws when it is looked at. */
function asTold(error: unknown): RemoteFailure | undefined {
  try {
    if (!isFenbuError(error)) return undefined
    const details: unknown = 'details' in error ? error.details : undefined
    return { code: error.code, outcome: declaredOutcome(error), message: String(error.message), details }
  } catch {
    return undefined
  }
}

/** A listener that fails must not cost the caller its answer. */
function reportSafely(failure: HandlerFailure, report: (failure: HandlerFailure) => void): void {
  try {
    report(failure)
  } catch (error) {
    process.emitWarning(`onHandlerFailure failed with failure ${failure.id}`, {
      type: 'FenbuHandlerFailure',
      detail: inspect(error),
    })
  }
}

/** The answer to a method that returned something to iterate. Nobody iterates it, so a generator never starts. */
export function streamsUnsupported(service: string, method: string): RemoteFailure {
  const error = rpcError(
    'RPC_STREAMS_UNSUPPORTED',
    `${service}.${method} returned a stream; this version carries single values`,
  )
  return { code: error.code, outcome: error.outcome, message: error.message, details: undefined }
}

/** Without a listener the failure is at least on the standard error stream. */
export function warnOfFailure({ id, service, method, error }: HandlerFailure): void {
  process.emitWarning(`handler ${service}.${method} failed (id ${id})`, {
    type: 'FenbuHandlerFailure',
    detail: inspect(error),
  })
}
