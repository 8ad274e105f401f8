import { checkKnownOptions, invalidOption, stringOption, wholeNumberOption } from '../base/index.ts'
import type { CoordinationClient, TlsOptions } from '../engines/index.ts'
import { DEFAULT_ROOT } from './core/index.ts'

export interface RegistryOptions {
  /** Name of this application: applications on one machine have cache files of their own. Without one, no cache. */
  readonly app?: string
  /** Folder of the cache file, or false for none. Default: `fenbu` in the user's cache folder. */
  readonly cacheFolder?: string | false
  /** How long a start waits for the registry before it goes on with the cached list, ms. Default 500. */
  readonly cachePatienceMs?: number
  /** First folder in the tree. Default `fenbu`. Applications with different roots do not see each other. */
  readonly root?: string
  /** Shortest time between two readings of a list, ms; changes in between come together. Default 100. */
  readonly coalesceMs?: number
  /** Interval at which own registrations and watched lists are checked even if nothing seems to happen, ms. Default 10 000. */
  readonly verifyMs?: number
  /** How long a list that lost more than half of its instances is doubted, ms. Default 10 000; shorter than the providers' reconnection lets a loss of the registry's own through. */
  readonly confirmGraceMs?: number
  /** How long `register` waits for the registry to confirm before it fails and withdraws, ms. Default 10 000. */
  readonly registerTimeoutMs?: number
  /** How long `update` and `deregister` wait for the registry to confirm, ms. Default 3 000. */
  readonly changeTimeoutMs?: number
  /** How long a registration outlives its process, ms; the registry may bring it into its own limits. Default 10 000. */
  readonly sessionTimeoutMs?: number
  /** Speaks TLS with the servers of `zookeeper:` and `fenbu:`: `ca` to check them, `cert` and `key` to be known by. */
  readonly tls?: TlsOptions
  /** A client that is used instead of a connection of the registry's own; it is not closed. */
  readonly coordination?: CoordinationClient
}

export interface ResolvedRegistryOptions {
  readonly app: string | undefined
  readonly cacheFolder: string | false | undefined
  readonly cachePatienceMs: number
  readonly root: string
  readonly coalesceMs: number
  readonly verifyMs: number
  readonly confirmGraceMs: number
  readonly registerTimeoutMs: number
  readonly changeTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly tls: TlsOptions | undefined
  readonly coordination: CoordinationClient | undefined
}

export const REGISTRY_DEFAULTS: ResolvedRegistryOptions = {
  app: undefined,
  cacheFolder: undefined,
  cachePatienceMs: 500,
  root: DEFAULT_ROOT,
  coalesceMs: 100,
  verifyMs: 10_000,
  confirmGraceMs: 10_000,
  registerTimeoutMs: 10_000,
  changeTimeoutMs: 3_000,
  sessionTimeoutMs: 10_000,
  tls: undefined,
  coordination: undefined,
}

/** Longer delays do not fit a timer; as good as never, 24 days. */
export const DURATION_MS_MAX: number = 2 ** 31 - 1
const ROOT = /^[A-Za-z0-9_-]{1,100}$/

export function resolveRegistryOptions(options: RegistryOptions = {}): ResolvedRegistryOptions {
  const where = 'registry'
  const d = REGISTRY_DEFAULTS
  checkKnownOptions(where, options, Object.keys(d))
  const duration = (name: keyof RegistryOptions & `${string}Ms`, min: number): number =>
    wholeNumberOption(where, name, options[name], d[name], min, DURATION_MS_MAX)
  const root = stringOption(where, 'root', options.root, d.root)
  if (!ROOT.test(root)) throw invalidOption(where, 'root', root, 'letters, digits, - and _')
  return {
    app: options.app === undefined ? undefined : stringOption(where, 'app', options.app, ''),
    cacheFolder: options.cacheFolder === false ? false : folderOption(options.cacheFolder),
    cachePatienceMs: duration('cachePatienceMs', 0),
    root,
    coalesceMs: duration('coalesceMs', 0),
    verifyMs: duration('verifyMs', 1),
    confirmGraceMs: duration('confirmGraceMs', 0),
    registerTimeoutMs: duration('registerTimeoutMs', 1),
    changeTimeoutMs: duration('changeTimeoutMs', 1),
    sessionTimeoutMs: duration('sessionTimeoutMs', 1),
    tls: options.tls,
    coordination: options.coordination,
  }
}

/** The time limit of one call. */
export function timeoutOption(where: string, timeoutMs: number | undefined, fallbackMs: number): number {
  return wholeNumberOption(where, 'timeoutMs', timeoutMs, fallbackMs, 1, DURATION_MS_MAX)
}

function folderOption(folder: unknown): string | undefined {
  if (folder === undefined) return undefined
  if (typeof folder !== 'string' || folder === '')
    throw invalidOption('registry', 'cacheFolder', folder, 'a folder, or false for no cache')
  return folder
}
