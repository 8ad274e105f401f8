import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type ServerErrorCode =
  | 'SERVER_DATA_IN_USE'
  | 'SERVER_DATA_FOREIGN'
  | 'SERVER_IDENTITY_CORRUPT'
  | 'SERVER_FEATURE_UNAVAILABLE'
  | 'SERVER_START_FAILED'
  | 'SERVER_DIED'

/** Errors of starting and running a fenbu server. */
export const SERVER_ERRORS: ErrorTable<ServerErrorCode> = {
  SERVER_DATA_IN_USE: {
    outcome: 'not-executed',
    meaning: 'Another server, in this process or another, has the data folder.',
    remedy: 'Stop that server, or give this one a folder of its own.',
  },
  SERVER_DATA_FOREIGN: {
    outcome: 'not-executed',
    meaning:
      'The data folder has files and no identity of a fenbu server: it was not made by one, or not wholly copied.',
    remedy: 'Use an empty folder, or restore the backup with all of its files.',
  },
  SERVER_IDENTITY_CORRUPT: {
    outcome: 'not-executed',
    meaning: 'The file that says which server a data folder belongs to is damaged or of another version.',
    remedy: 'Restore it from a backup; a server never acts under an identity it is not sure of.',
  },
  SERVER_FEATURE_UNAVAILABLE: {
    outcome: 'not-executed',
    meaning: 'A feature was asked for that this version of the server does not have.',
    remedy: 'The message lists those it has.',
  },
  SERVER_START_FAILED: {
    outcome: 'not-executed',
    meaning: 'A server could not be started.',
    remedy: 'The cause says why.',
  },
  SERVER_DIED: {
    outcome: 'unknown',
    meaning: 'A running server stopped by itself: its disk failed, or a bug of ours.',
    remedy:
      'The cause says more. What was acknowledged is on disk; start it again once the cause is removed.',
  },
}

export const serverError: (
  code: ServerErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<ServerErrorCode> = errorFactory(SERVER_ERRORS)
