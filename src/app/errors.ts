import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type AppErrorCode = 'APP_ENGINE_UNREACHABLE' | 'APP_NOT_CONNECTED' | 'APP_CLOSED'

/** Errors of an application as a whole. */
export const APP_ERRORS: ErrorTable<AppErrorCode> = {
  APP_ENGINE_UNREACHABLE: {
    outcome: 'not-executed',
    meaning: 'connect() gave up because an engine that it was given did not answer.',
    remedy:
      'The message names the engine; check that it runs, that its URL is right, and whether it wants TLS (tls) with a certificate; or raise timeoutMs.',
  },
  APP_NOT_CONNECTED: {
    outcome: 'not-executed',
    meaning: 'Something was used that connect() was given no engine for.',
    remedy: 'Name the engine in connect(), such as { coordination: "zookeeper://zk1:2181" }.',
  },
  APP_CLOSED: {
    outcome: 'not-executed',
    meaning: 'An application was used after close().',
    remedy: 'Close it later, or connect anew.',
  },
}

export const appError: (
  code: AppErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<AppErrorCode> = errorFactory(APP_ERRORS)
