import { type ErrorTable, errorFactory, type FenbuError } from './error.ts'

export type OptionErrorCode = 'OPTION_INVALID' | 'OPTION_UNKNOWN'

/** Errors of wrong arguments, the same in every area. */
export const OPTION_ERRORS: ErrorTable<OptionErrorCode> = {
  OPTION_INVALID: {
    outcome: 'not-executed',
    meaning: 'An option or argument has a value that is not allowed.',
    remedy: 'The message names the option, the value given and what is allowed.',
  },
  OPTION_UNKNOWN: {
    outcome: 'not-executed',
    meaning: 'An option of that name does not exist.',
    remedy: 'The message lists the options that do; look for a spelling mistake.',
  },
}

export const optionError: (code: OptionErrorCode, message: string) => FenbuError<OptionErrorCode> =
  errorFactory(OPTION_ERRORS)

/** Shows a value in an error message, shortened. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value)
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}

/** Refuses a value at the door: `reject('connect', 'timeoutMs', -1, 'a whole number of milliseconds from 1')`. */
export function invalidOption(
  where: string,
  name: string,
  value: unknown,
  allowed: string,
): FenbuError<OptionErrorCode> {
  return optionError('OPTION_INVALID', `${where}: ${name} is ${shown(value)}; allowed: ${allowed}`)
}

/** Refuses misspelled options: an unknown key would otherwise be a silent default. */
export function checkKnownOptions(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw optionError(
        'OPTION_UNKNOWN',
        `${where}: there is no option ${shown(key)}; options: ${known.join(', ')}`,
      )
  }
}

/** A whole number in [min, max], or the default where it is undefined. */
export function wholeNumberOption(
  where: string,
  name: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw invalidOption(where, name, value, `a whole number from ${min} to ${max}`)
  return value
}

/** A non-empty string, or the default where it is undefined. */
export function stringOption(where: string, name: string, value: unknown, fallback: string): string {
  if (value === undefined) return fallback
  if (typeof value !== 'string' || value.length === 0)
    throw invalidOption(where, name, value, 'a non-empty string')
  return value
}

export function booleanOption(where: string, name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw invalidOption(where, name, value, 'true or false')
  return value
}

export function oneOfOption<Value extends string>(
  where: string,
  name: string,
  value: unknown,
  fallback: Value,
  allowed: readonly Value[],
): Value {
  if (value === undefined) return fallback
  if (!allowed.includes(value as Value)) throw invalidOption(where, name, value, allowed.join(', '))
  return value as Value
}
