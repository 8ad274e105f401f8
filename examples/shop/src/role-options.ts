import { type ParseArgsConfig, parseArgs } from 'node:util'
import { whole } from './options.ts'

/** What every process of the shop is told on its command line. */
export interface RoleOptions {
  /** Its name in the shop, such as `order-1`. */
  readonly name: string
  /** Reads a further option that is a whole number. */
  number(option: string, fallback: number, max?: number): number
  /** Reads a further option that is a number from 0 to 1. */
  share(option: string): number
  /** Reads a further option as it is; without a fallback it must be given. */
  text(option: string, fallback?: string): string
}

/** Reads `--name` and the further options named. */
export function readRoleOptions(defaultName: string, ...further: readonly string[]): RoleOptions {
  const names = ['name', ...further]
  const options: ParseArgsConfig['options'] = Object.fromEntries(
    names.map((name) => [name, { type: 'string' }]),
  )
  const values = parseArgs({ options }).values as Values
  return {
    name: values.name ?? defaultName,
    number: (option, fallback, max = Number.MAX_SAFE_INTEGER) =>
      whole(`--${option}`, values[option] ?? `${fallback}`, 0, max),
    text(option, fallback) {
      const value = values[option] ?? fallback
      if (value === undefined) throw new Error(`--${option} is missing`)
      return value
    },
    share(option) {
      const value = Number(values[option] ?? 0)
      if (!(value >= 0 && value <= 1)) throw new Error(`--${option} is ${values[option]}; allowed: 0 to 1`)
      return value
    },
  }
}

interface Values {
  readonly name?: string
  readonly [option: string]: string | undefined
}
