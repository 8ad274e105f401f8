import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type CliErrorCode = 'CLI_ARGUMENT_INVALID' | 'CLI_NO_INSTANCES'

/** Errors of the command line. */
export const CLI_ERRORS: ErrorTable<CliErrorCode> = {
  CLI_ARGUMENT_INVALID: {
    outcome: 'not-executed',
    meaning: 'An argument of the command line cannot be understood.',
    remedy: 'The message says which, and what to write; fenbu <verb> --help has examples.',
  },
  CLI_NO_INSTANCES: {
    outcome: 'not-executed',
    meaning: 'No instance of a service is registered.',
    remedy: 'Start a provider, or check the name with: fenbu services --registry URL.',
  },
}

export const cliError: (
  code: CliErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<CliErrorCode> = errorFactory(CLI_ERRORS)
