import { randomBytes } from 'node:crypto'
import { type FenbuError, isFenbuError } from '../../base/index.ts'
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
  if (isFenbuError(error)) return asTold(error)
  const id = randomBytes(4).toString('hex')
  report({ id, service, method, error })
  return {
    code: 'RPC_INTERNAL',
    outcome: 'unknown',
    message: `${service}.${method} failed (id ${id})`,
    details: undefined,
  }
}

function asTold(error: FenbuError): RemoteFailure {
  const details: unknown = 'details' in error ? error.details : undefined
  return { code: error.code, outcome: declaredOutcome(error), message: error.message, details }
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
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
}
