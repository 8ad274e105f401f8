import type { Instance } from './instance.ts'

/** Bounds of one registration, for what we write and for what others wrote. */
const NAME_LENGTH_MAX = 200
const WEIGHT_MAX = 10_000
const METADATA_ENTRIES_MAX = 64
const METADATA_VALUE_LENGTH_MAX = 1024

/** The rule of one field: what it must be, in words for the error, and the check. */
interface FieldRule {
  readonly allowed: string
  readonly check: (value: unknown) => boolean
}

const name: FieldRule = {
  allowed: `a non-empty string of at most ${NAME_LENGTH_MAX} characters, without control characters`,
  check: (value) => isText(value, NAME_LENGTH_MAX) && value !== '',
}

/** One table for both doors: the options of `register` and the records read from a registry. */
export const INSTANCE_FIELDS: Readonly<Record<keyof Instance, FieldRule>> = {
  id: name,
  service: name,
  host: name,
  port: { allowed: 'a port from 1 to 65535', check: (value) => isWhole(value, 1, 65_535) },
  version: {
    allowed: 'a semantic version such as 1.2.0',
    check: (value) => isText(value, NAME_LENGTH_MAX) && SEMANTIC_VERSION.test(value),
  },
  group: name,
  weight: {
    allowed: `a whole number from 0 to ${WEIGHT_MAX}`,
    check: (value) => isWhole(value, 0, WEIGHT_MAX),
  },
  zone: {
    allowed: `a string of at most ${NAME_LENGTH_MAX} characters`,
    check: (value) => isText(value, NAME_LENGTH_MAX),
  },
  state: { allowed: "'up' or 'draining'", check: (value) => value === 'up' || value === 'draining' },
  registeredMs: {
    allowed: 'milliseconds since 1970',
    check: (value) => isWhole(value, 0, Number.MAX_SAFE_INTEGER),
  },
  metadata: {
    allowed: `at most ${METADATA_ENTRIES_MAX} strings of at most ${METADATA_VALUE_LENGTH_MAX} characters`,
    check: isMetadata,
  },
}

/** The first field that breaks its rule, if any. */
export function invalidField(fields: Readonly<Record<string, unknown>>): keyof Instance | undefined {
  const names = Object.keys(INSTANCE_FIELDS) as (keyof Instance)[]
  return names.find((field) => !INSTANCE_FIELDS[field].check(fields[field]))
}

/** Control characters and halves of surrogate pairs: nobody can type them, and no path can hold the latter. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u
const SEMANTIC_VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax && !UNPRINTABLE.test(value)
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length <= METADATA_ENTRIES_MAX &&
    entries.every(([key, text]) => isText(key, NAME_LENGTH_MAX) && isText(text, METADATA_VALUE_LENGTH_MAX))
  )
}
