/** Names of the functions among the members of a service. */
export type MethodName<T> = {
  [Name in keyof T]-?: NonNullable<T[Name]> extends (...args: never[]) => unknown ? Name : never
}[keyof T] &
  string

/** Never remote, so that proxies can be awaited, chained and turned into JSON like any object. */
export const LOCAL_NAMES = ['then', 'catch', 'finally', 'with', 'toJSON'] as const

export type LocalName = (typeof LOCAL_NAMES)[number]

/** Where a provider lists its idempotent methods in the metadata of its registration, separated by commas. */
export const IDEMPOTENT_METADATA = 'idempotent'

export function isLocalName(name: string): name is LocalName {
  return (LOCAL_NAMES as readonly string[]).includes(name)
}
