import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type EngineErrorCode =
  | 'ENGINE_URL_INVALID'
  | 'ENGINE_SCHEME_UNKNOWN'
  | 'ENGINE_NOT_AVAILABLE'
  | 'ENGINE_WRONG_ROLE'
  | 'ENGINE_UNREACHABLE'
  | 'ENGINE_CLOSED'

/** Errors of reaching the engines that URLs name. */
export const ENGINE_ERRORS: ErrorTable<EngineErrorCode> = {
  ENGINE_URL_INVALID: {
    outcome: 'not-executed',
    meaning: 'The URL of an engine cannot be understood.',
    remedy: 'Write scheme://host:port/path, such as zookeeper://zk1:2181,zk2:2181/shop or fenbu://localhost.',
  },
  ENGINE_SCHEME_UNKNOWN: {
    outcome: 'not-executed',
    meaning: 'No engine has this URL scheme.',
    remedy: 'The message lists the schemes; look for a spelling mistake.',
  },
  ENGINE_NOT_AVAILABLE: {
    outcome: 'not-executed',
    meaning: 'The engine is known, and this version of fenbu does not speak to it.',
    remedy: 'Use one of the schemes that the message lists.',
  },
  ENGINE_WRONG_ROLE: {
    outcome: 'not-executed',
    meaning: 'The engine cannot do what it was named for, such as static addresses as a coordinator.',
    remedy: 'The message lists the schemes that can.',
  },
  ENGINE_UNREACHABLE: {
    outcome: 'not-executed',
    meaning: 'An engine did not answer in time.',
    remedy: 'Check that it runs and that host, port and TLS settings are right; the cause says more.',
  },
  ENGINE_CLOSED: {
    outcome: 'not-executed',
    meaning:
      'A handle of a shared connection was used after it was closed; others may still use the connection.',
    remedy: 'Close the handle later, or connect anew.',
  },
}

export const engineError: (
  code: EngineErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<EngineErrorCode> = errorFactory(ENGINE_ERRORS)
