import { checkKnownOptions, invalidOption, wholeNumberOption } from '../../base/index.ts'
import type { TlsOptions } from '../../host/index.ts'

export interface CoordinationClientOptions {
  /**
   * How long a session outlives its connection, ms; the server may bring it into its own limits. Default 10 000.
   * Too small loses sessions to short stalls, too large keeps the ephemeral nodes of the dead.
   */
  readonly sessionTimeoutMs?: number
  /** Time limit of a call that names none, ms. Default 5 000. */
  readonly callTimeoutMs?: number
  /** Calls under way or waiting for a connection; one more is refused. Default 4 096. */
  readonly maxCalls?: number
  /** Bytes of the requests among them. Default 16 MiB. */
  readonly maxCallBytes?: number
  /** Longest pause between two attempts to connect, ms. Default 1 000. Too small floods a server that comes back. */
  readonly reconnectDelayMsMax?: number
  /** Speaks TLS with the servers. */
  readonly tls?: TlsOptions
}

export interface ResolvedClientOptions {
  readonly sessionTimeoutMs: number
  readonly callTimeoutMs: number
  readonly maxCalls: number
  readonly maxCallBytes: number
  readonly reconnectDelayMsMax: number
  readonly tls: TlsOptions | undefined
}

export const COORDINATION_CLIENT_DEFAULTS: ResolvedClientOptions = {
  sessionTimeoutMs: 10_000,
  callTimeoutMs: 5_000,
  maxCalls: 4_096,
  maxCallBytes: 16 * 1024 * 1024,
  reconnectDelayMsMax: 1_000,
  tls: undefined,
}

const DURATION_MS_MAX = 2 ** 31 - 1

export function resolveClientOptions(options: CoordinationClientOptions = {}): ResolvedClientOptions {
  const where = 'coordination'
  const d = COORDINATION_CLIENT_DEFAULTS
  checkKnownOptions(where, options, Object.keys(d))
  if (options.tls !== undefined && (typeof options.tls !== 'object' || options.tls === null))
    throw invalidOption(where, 'tls', options.tls, 'an object of TLS options')
  const duration = (name: 'sessionTimeoutMs' | 'callTimeoutMs' | 'reconnectDelayMsMax'): number =>
    wholeNumberOption(where, name, options[name], d[name], 1, DURATION_MS_MAX)
  return {
    sessionTimeoutMs: duration('sessionTimeoutMs'),
    callTimeoutMs: duration('callTimeoutMs'),
    maxCalls: wholeNumberOption(where, 'maxCalls', options.maxCalls, d.maxCalls, 1),
    maxCallBytes: wholeNumberOption(where, 'maxCallBytes', options.maxCallBytes, d.maxCallBytes, 1),
    reconnectDelayMsMax: duration('reconnectDelayMsMax'),
    tls: options.tls,
  }
}

/** The time limit of one call. */
export function resolveCallTimeout(timeoutMs: number | undefined, callTimeoutMs: number): number {
  return wholeNumberOption('coordination', 'timeoutMs', timeoutMs, callTimeoutMs, 1, DURATION_MS_MAX)
}
