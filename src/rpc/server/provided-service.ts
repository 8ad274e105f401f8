import { checkKnownOptions, type FenbuError, invalidOption, shown, stringOption } from '../../base/index.ts'
import {
  checkVersion,
  isLocalName,
  type MethodName,
  type ProvidedMethod,
  type ProvidedService,
  rpcError,
} from '../core/index.ts'

export interface ProvideOptions<T> {
  /** Three numbers. Default `1.0.0`. */
  readonly version?: string
  /** Separates sets of instances that must not see each other. Default `default`. */
  readonly group?: string
  /** The remote methods. Required for an instance of a class, where `private` means nothing at run time. */
  readonly methods?: readonly MethodName<T>[]
  /** Methods that may run twice without harm: callers retry them. */
  readonly idempotent?: readonly MethodName<T>[]
  /** Share of the calls relative to other instances, 0 to 10 000. Default 100. */
  readonly weight?: number
  /** What consumers can read of this instance in the registry. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Time for the registry to confirm, ms; then `REGISTRY_UNREACHABLE`, and nothing is provided. Default 10 000. */
  readonly timeoutMs?: number
  /** Aborting rejects with the signal's reason, and nothing is provided. */
  readonly signal?: AbortSignal
}

const KNOWN = ['version', 'group', 'methods', 'idempotent', 'weight', 'metadata', 'timeoutMs', 'signal']

/** Checks what `provide` was given, and builds the map in which names from the wire are looked up. */
export function makeProvidedService<T extends object>(
  service: string,
  implementation: T,
  options: ProvideOptions<T>,
): ProvidedService {
  const where = `provide(${shown(service)})`
  checkKnownOptions(where, options, KNOWN)
  if (typeof service !== 'string' || service.length === 0 || service.length > 80)
    throw invalidOption('provide', 'service', service, 'a text of 1 to 80 characters')
  if (typeof implementation !== 'object' || implementation === null)
    throw methodsInvalid(where, `the implementation is ${shown(implementation)}, not an object`)
  const names = options.methods ?? ownFunctionNames(where, implementation)
  const idempotent = new Set<string>(options.idempotent ?? [])
  const methods = new Map<string, ProvidedMethod>()
  const provided: ProvidedService = {
    service,
    group: stringOption(where, 'group', options.group, 'default'),
    version: checkVersion(where, stringOption(where, 'version', options.version, '1.0.0')),
    methods,
  }
  for (const name of names)
    methods.set(name, makeMethod(where, provided, implementation, name, idempotent.has(name)))
  if (methods.size === 0) throw methodsInvalid(where, 'it has no method')
  for (const name of idempotent)
    if (!methods.has(name))
      throw methodsInvalid(where, `idempotent names ${shown(name)}, which is not a method`)
  return provided
}

function makeMethod(
  where: string,
  service: ProvidedService,
  implementation: object,
  name: string,
  idempotent: boolean,
): ProvidedMethod {
  if (isLocalName(name) || name in Object.prototype)
    throw methodsInvalid(where, `a method cannot be called ${name}: proxies keep that name to themselves`)
  const member: unknown = (implementation as Record<string, unknown>)[name]
  if (typeof member !== 'function') throw methodsInvalid(where, `${shown(name)} is not a method of it`)
  return { name, service, idempotent, run: member.bind(implementation) as (...args: unknown[]) => unknown }
}

/** A plain object says itself what is remote; an instance of a class inherits more than it means to offer. */
function ownFunctionNames(where: string, implementation: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(implementation)
  if (prototype !== Object.prototype && prototype !== null)
    throw methodsInvalid(
      where,
      `the implementation is an instance of ${implementation.constructor?.name ?? 'a class'}: list its remote methods, such as { methods: ['buy'] }`,
    )
  return Object.entries(implementation)
    .filter(([, member]) => typeof member === 'function')
    .map(([name]) => name)
}

function methodsInvalid(where: string, why: string): FenbuError {
  return rpcError('RPC_METHODS_INVALID', `${where}: ${why}`)
}
