import { checkKnownOptions, wholeNumberOption } from '../../base/index.ts'

export interface CoordinationServerOptions {
  /**
   * ZooKeeper's tick, ms. Default 2 000. Session time-outs are brought between 2 and 20 ticks, and a session ends up
   * to one tick late. Smaller notices the dead sooner, and loses sessions to shorter stalls.
   */
  readonly tickMs?: number
  /** Requests that wait for the log, of all connections; above, no connection is read. Default 10 000. */
  readonly maxOutstanding?: number
  /** Bytes of those requests. Default 16 MiB; more than the replica's `maxUnwrittenBytes` only waits elsewhere. */
  readonly maxOutstandingBytes?: number
  /** Requests of one connection that wait for their turn; above, it is not read. Default 1 000. */
  readonly maxConnectionOutstanding?: number
  /** Bytes of those requests. Default 4 MiB. */
  readonly maxConnectionOutstandingBytes?: number
  /** Bytes of the paths that one connection watches; above, it is closed. Default 16 MiB. */
  readonly maxWatchBytes?: number
}

export type ResolvedServerOptions = Required<CoordinationServerOptions>

export const COORDINATION_SERVER_DEFAULTS: ResolvedServerOptions = {
  tickMs: 2_000,
  maxOutstanding: 10_000,
  maxOutstandingBytes: 16 * 1024 * 1024,
  maxConnectionOutstanding: 1_000,
  maxConnectionOutstandingBytes: 4 * 1024 * 1024,
  maxWatchBytes: 16 * 1024 * 1024,
}

/** A session outlives its connection by at least and at most this many ticks. */
export const SESSION_TICKS = { MIN: 2, MAX: 20 } as const

export function resolveServerOptions(options: CoordinationServerOptions = {}): ResolvedServerOptions {
  const where = 'coordination server'
  const d = COORDINATION_SERVER_DEFAULTS
  checkKnownOptions(where, options, Object.keys(d))
  const number = (name: keyof CoordinationServerOptions, min: number): number =>
    wholeNumberOption(where, name, options[name], d[name], min, 2 ** 31 - 1)
  return {
    tickMs: wholeNumberOption(where, 'tickMs', options.tickMs, d.tickMs, 10, 60_000),
    maxOutstanding: number('maxOutstanding', 1),
    maxOutstandingBytes: number('maxOutstandingBytes', 1),
    maxConnectionOutstanding: number('maxConnectionOutstanding', 1),
    maxConnectionOutstandingBytes: number('maxConnectionOutstandingBytes', 1),
    maxWatchBytes: number('maxWatchBytes', 1),
  }
}
