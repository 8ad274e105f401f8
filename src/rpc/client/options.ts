import {
  booleanOption,
  checkKnownOptions,
  invalidOption,
  oneOfOption,
  stringOption,
  wholeNumberOption,
} from '../../base/index.ts'
import { BALANCER_NAMES, type BalancerName, RETRIES_DEFAULT, RETRIES_MAX } from '../../governance/index.ts'
import type { TlsOptions } from '../../host/index.ts'
import type { Registry } from '../../registry/index.ts'
import {
  type CodecName,
  encodeMetadata,
  IDEMPOTENCY_KEY,
  type Metadata,
  VersionRange,
} from '../core/index.ts'
import { DELAY_MS_MAX } from '../delay.ts'
import type { Journey } from './journey.ts'

/** No call waits longer: a deadline is never infinite. */
const TIMEOUT_MS_MAX: number = 24 * 60 * 60 * 1000

export interface RpcClientOptions {
  /** Says where the instances of services are. */
  readonly registry: Registry
  /** For calls that say nothing else, ms. Default 1 000; 1 to 86 400 000. */
  readonly timeoutMs?: number
  /** Default `messagepack`; `json` is for reading along. */
  readonly codec?: CodecName
  /** Time for TCP, TLS and HELLO, ms. Default 5 000. */
  readonly connectTimeoutMs?: number
  /** Silence after which the peer is asked for a sign of life, ms. Default 30 000. */
  readonly keepaliveMs?: number
  /** Time for that sign, ms; then the connection is given up. Default 5 000. */
  readonly keepaliveTimeoutMs?: number
  /** Longest frame in either direction, bytes. Default 4 MiB. */
  readonly maxFrameBytes?: number
  /**
   * Calls that wait for a connection to one address, and calls that wait for the first list of one service. Default
   * 1 024; above it they fail at once.
   */
  readonly maxQueued?: number
  readonly tls?: TlsOptions
  /** Hears of every finished call. Costs nothing unless given. */
  readonly onJourney?: (journey: Journey) => void
}

export interface ResolvedClientOptions {
  readonly timeoutMs: number
  readonly codec: CodecName
  readonly connectTimeoutMs: number
  readonly keepaliveMs: number
  readonly keepaliveTimeoutMs: number
  readonly maxFrameBytes: number
  readonly maxQueued: number
  readonly tls: TlsOptions | undefined
  readonly onJourney: ((journey: Journey) => void) | undefined
}

export const CLIENT_DEFAULTS: Omit<ResolvedClientOptions, 'tls' | 'onJourney'> = {
  timeoutMs: 1_000,
  codec: 'messagepack',
  connectTimeoutMs: 5_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 5_000,
  maxFrameBytes: 4 * 1024 * 1024,
  maxQueued: 1024,
}

export function resolveClientOptions(options: RpcClientOptions): ResolvedClientOptions {
  const where = 'createRpcClient'
  checkKnownOptions(where, options, [...Object.keys(CLIENT_DEFAULTS), 'registry', 'tls', 'onJourney'])
  if (typeof options.registry?.watch !== 'function')
    throw invalidOption(where, 'registry', options.registry, 'a registry, such as staticRegistry(...)')
  if (options.onJourney !== undefined && typeof options.onJourney !== 'function')
    throw invalidOption(where, 'onJourney', options.onJourney, 'a function')
  const d = CLIENT_DEFAULTS
  return {
    timeoutMs: timeoutOption(where, options.timeoutMs, d.timeoutMs),
    codec: oneOfOption<CodecName>(where, 'codec', options.codec, d.codec, ['messagepack', 'json']),
    connectTimeoutMs: wholeNumberOption(
      where,
      'connectTimeoutMs',
      options.connectTimeoutMs,
      d.connectTimeoutMs,
      1,
      DELAY_MS_MAX,
    ),
    keepaliveMs: wholeNumberOption(where, 'keepaliveMs', options.keepaliveMs, d.keepaliveMs, 1, DELAY_MS_MAX),
    keepaliveTimeoutMs: wholeNumberOption(
      where,
      'keepaliveTimeoutMs',
      options.keepaliveTimeoutMs,
      d.keepaliveTimeoutMs,
      1,
      DELAY_MS_MAX,
    ),
    maxFrameBytes: wholeNumberOption(
      where,
      'maxFrameBytes',
      options.maxFrameBytes,
      d.maxFrameBytes,
      1024,
      2 ** 30,
    ),
    maxQueued: wholeNumberOption(where, 'maxQueued', options.maxQueued, d.maxQueued, 0),
    tls: options.tls,
    onJourney: options.onJourney,
  }
}

export interface ServiceOptions<Name extends string = string> {
  /** Deadline of a call, all attempts together, ms. Default that of the client; 1 to 86 400 000. */
  readonly timeoutMs?: number
  /** Versions to call: `1.2.0`, `^1`, `1.2.x`, `*`. Default all. */
  readonly version?: string
  /** Default `default`. */
  readonly group?: string
  /** Further attempts where the retry rule allows them, 0 to 10. Default 2. */
  readonly retries?: number
  /** Default `round-robin`. */
  readonly loadBalance?: BalancerName
  /** Sent with every call. */
  readonly metadata?: Metadata
  /**
   * Methods that may run twice without harm in every version that `version` allows: they are retried also when it is
   * unknown whether they ran, at any instance. Without this, each provider speaks for itself: a call that may have
   * run at an instance that declares the method idempotent is retried only at instances that do, too.
   */
  readonly idempotent?: readonly Name[]
}

export interface ResolvedServiceOptions {
  readonly timeoutMs: number
  readonly range: VersionRange
  readonly group: string
  readonly retries: number
  readonly loadBalance: BalancerName
  readonly metadata: Metadata
  readonly idempotent: ReadonlySet<string>
}

const SERVICE_OPTIONS = ['timeoutMs', 'version', 'group', 'retries', 'loadBalance', 'metadata', 'idempotent']

export function resolveServiceOptions(
  where: string,
  options: ServiceOptions,
  clientTimeoutMs: number,
): ResolvedServiceOptions {
  checkKnownOptions(where, options, SERVICE_OPTIONS)
  const metadata = options.metadata ?? {}
  encodeMetadata(metadata)
  return {
    timeoutMs: timeoutOption(where, options.timeoutMs, clientTimeoutMs),
    range: VersionRange.parse(where, options.version),
    group: stringOption(where, 'group', options.group, 'default'),
    retries: wholeNumberOption(where, 'retries', options.retries, RETRIES_DEFAULT, 0, RETRIES_MAX),
    loadBalance: oneOfOption(where, 'loadBalance', options.loadBalance, 'round-robin', BALANCER_NAMES),
    metadata,
    idempotent: new Set(options.idempotent ?? []),
  }
}

/** What one call, or all calls of a proxy made by `with`, do differently. */
export interface CallOptions {
  readonly timeoutMs?: number
  /** Aborting rejects the call with the signal's reason and cancels the handler. */
  readonly signal?: AbortSignal
  /**
   * The same for every attempt at one piece of work, so that the handler can do it once: it is
   * `currentCall().idempotencyKey` there. It is only carried: whether a call is retried depends on `idempotent` alone.
   */
  readonly idempotencyKey?: string
  /** Added to the metadata of the service. */
  readonly metadata?: Metadata
}

export interface InvokeOptions extends CallOptions {
  readonly version?: string
  readonly group?: string
  readonly retries?: number
  readonly loadBalance?: BalancerName
  /** This method may run twice without harm, in every version that `version` allows. */
  readonly idempotent?: boolean
}

const CALL_OPTIONS = ['timeoutMs', 'signal', 'idempotencyKey', 'metadata']

/** Call options as they are used: one block of metadata, encoded once for all calls of a proxy. */
export interface ResolvedCallOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly metadata: Metadata
  readonly metadataBytes: Uint8Array
}

export function resolveCallOptions(
  where: string,
  options: CallOptions,
  defaults: {
    readonly timeoutMs: number
    readonly signal?: AbortSignal | undefined
    readonly metadata: Metadata
  },
): ResolvedCallOptions {
  checkKnownOptions(where, options, CALL_OPTIONS)
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw invalidOption(where, 'signal', options.signal, 'an AbortSignal')
  const key = options.idempotencyKey
  const metadata = {
    ...defaults.metadata,
    ...options.metadata,
    ...(key !== undefined && { [IDEMPOTENCY_KEY]: stringOption(where, 'idempotencyKey', key, key) }),
  }
  return {
    timeoutMs: timeoutOption(where, options.timeoutMs, defaults.timeoutMs),
    signal: options.signal ?? defaults.signal,
    metadata,
    metadataBytes: encodeMetadata(metadata),
  }
}

/** Splits the options of a generic invocation. */
export function splitInvokeOptions(
  where: string,
  method: string,
  options: InvokeOptions,
): { readonly service: ServiceOptions; readonly call: CallOptions } {
  checkKnownOptions(where, options, [
    ...CALL_OPTIONS,
    'version',
    'group',
    'retries',
    'loadBalance',
    'idempotent',
  ])
  const { version, group, retries, loadBalance, idempotent, ...call } = options
  const service = {
    ...(version !== undefined && { version }),
    ...(group !== undefined && { group }),
    ...(retries !== undefined && { retries }),
    ...(loadBalance !== undefined && { loadBalance }),
    ...(booleanOption(where, 'idempotent', idempotent, false) && { idempotent: [method] }),
  }
  return { service, call }
}

function timeoutOption(where: string, value: unknown, fallback: number): number {
  return wholeNumberOption(where, 'timeoutMs', value, fallback, 1, TIMEOUT_MS_MAX)
}
