import { checkKnownOptions, invalidOption, stringOption, wholeNumberOption } from '../base/index.ts'
import type { TlsOptions } from '../engines/index.ts'
import type { RegistryOptions } from '../registry/index.ts'
import type { RpcClientOptions, RpcServerOptions } from '../rpc/index.ts'

export interface ConnectOptions {
  /** Name of the application; it names the registry's cache file, and without one there is none. */
  readonly name?: string
  /** How long the engines have to answer, ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Gives up earlier, with the signal's reason. */
  readonly signal?: AbortSignal
  /** How long what this process holds outlives it, ms. Default 10 000. */
  readonly sessionTimeoutMs?: number
  /**
   * Speaks TLS with the servers of `zookeeper:` and `fenbu:` URLs: `ca` to check them, `cert` and `key` to be known
   * by. Calls between services have their own, in `provide.tls` and `consume.tls`.
   */
  readonly tls?: TlsOptions
  /** Where services are provided; opened by the first `provide`. Default: a free port of 127.0.0.1. */
  readonly provide?: Omit<RpcServerOptions, 'registry'>
  /** How services are called. */
  readonly consume?: Omit<RpcClientOptions, 'registry'>
  /** Of the registry: its cache file, its times. */
  readonly registry?: Omit<RegistryOptions, 'app' | 'coordination' | 'sessionTimeoutMs'>
}

export interface ResolvedConnectOptions {
  readonly name: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly sessionTimeoutMs: number
  readonly tls: TlsOptions | undefined
  readonly provide: Omit<RpcServerOptions, 'registry'>
  readonly consume: Omit<RpcClientOptions, 'registry'>
  readonly registry: Omit<RegistryOptions, 'app' | 'coordination' | 'sessionTimeoutMs'>
}

export const CONNECT_DEFAULTS: ResolvedConnectOptions = {
  name: undefined,
  timeoutMs: 10_000,
  signal: undefined,
  sessionTimeoutMs: 10_000,
  tls: undefined,
  provide: {},
  consume: {},
  registry: {},
}

const DURATION_MS_MAX = 2 ** 31 - 1

export function resolveConnectOptions(options: ConnectOptions = {}): ResolvedConnectOptions {
  const where = 'connect'
  const d = CONNECT_DEFAULTS
  checkKnownOptions(where, options, Object.keys(d))
  const duration = (name: 'timeoutMs' | 'sessionTimeoutMs'): number =>
    wholeNumberOption(where, name, options[name], d[name], 1, DURATION_MS_MAX)
  return {
    name: options.name === undefined ? undefined : stringOption(where, 'name', options.name, ''),
    timeoutMs: duration('timeoutMs'),
    signal: options.signal,
    sessionTimeoutMs: duration('sessionTimeoutMs'),
    tls: options.tls,
    provide: reachable(objectOption('provide', options.provide)),
    consume: objectOption('consume', options.consume),
    registry: objectOption('registry', options.registry),
  }
}

/** Hosts to listen on that nobody can call. */
const WILDCARDS: readonly unknown[] = ['0.0.0.0', '::']

/** Found at the start, not by the first `provide`. */
function reachable(provide: ConnectOptions['provide'] & object): ConnectOptions['provide'] & object {
  const { host, advertiseHost } = provide
  if (advertiseHost === undefined && WILDCARDS.includes(host))
    throw invalidOption(
      'connect',
      'provide.advertiseHost',
      advertiseHost,
      `a host that consumers can call, which ${host} is not`,
    )
  return provide
}

/** What is inside is checked by the area that takes it. */
function objectOption<Options extends object>(name: string, value: Options | undefined): Options {
  if (value === undefined) return {} as Options
  if (typeof value !== 'object' || value === null) throw invalidOption('connect', name, value, 'an object')
  return value
}
