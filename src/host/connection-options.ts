import { checkKnownOptions, invalidOption, wholeNumberOption } from '../base/index.ts'
import { MemoryBudget, processReceiveBudget, processSendBudget } from './memory-budget.ts'

/** Limits of one connection. A peer that passes one is disconnected, and nobody else notices. */
export interface ConnectionOptions {
  /** Longest frame, bytes. Default 4 MiB. Too small refuses honest messages, too large lets a peer fill memory. */
  readonly maxFrameBytes?: number
  /** Time for the rest of a frame once its first byte is here, ms; 0 unlimited. Default 10 000. */
  readonly partialFrameTimeoutMs?: number
  /** Time until the protocol says `established()`, ms. Default 5 000. Also the time for a TLS handshake. */
  readonly handshakeTimeoutMs?: number
  /** Silence after which the peer counts as dead, ms; 0 never. Default 300 000. */
  readonly idleTimeoutMs?: number
  /**
   * Unsent bytes above which this side stops reading requests from the peer. Default 1 MiB, or `maxUnsentBytes` if
   * that is less. Too small makes a peer that pipelines wait for its own replies.
   */
  readonly pauseReadingBytes?: number
  /** Unsent bytes above which the peer is disconnected as a slow reader. Default 64 MiB. */
  readonly maxUnsentBytes?: number
  /** Time in which the peer must take at least one of the writes that wait, ms; 0 unlimited. Default 30 000. */
  readonly unsentTimeoutMs?: number
  /** Bounds the unfinished frames of all connections that share it. Default: one of 256 MiB for the process. */
  readonly receiveBudget?: MemoryBudget
  /** Bounds the unsent bytes of all connections that share it. Default: one of 512 MiB for the process. */
  readonly sendBudget?: MemoryBudget
}

export type ResolvedConnectionOptions = Required<ConnectionOptions>

export const CONNECTION_DEFAULTS: ResolvedConnectionOptions = {
  maxFrameBytes: 4 * 1024 * 1024,
  partialFrameTimeoutMs: 10_000,
  handshakeTimeoutMs: 5_000,
  idleTimeoutMs: 300_000,
  pauseReadingBytes: 1024 * 1024,
  maxUnsentBytes: 64 * 1024 * 1024,
  unsentTimeoutMs: 30_000,
  receiveBudget: processReceiveBudget,
  sendBudget: processSendBudget,
}

const WHERE = 'connection'
/** The longest delay of setTimeout. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export function resolveConnectionOptions(options: ConnectionOptions = {}): ResolvedConnectionOptions {
  const d = CONNECTION_DEFAULTS
  checkKnownOptions(WHERE, options, Object.keys(d))
  const number = (name: keyof ConnectionOptions, fallback: number, min: number, max?: number): number =>
    wholeNumberOption(WHERE, name, options[name], fallback, min, max)
  const maxUnsentBytes = number('maxUnsentBytes', d.maxUnsentBytes, 1)
  return {
    maxFrameBytes: number('maxFrameBytes', d.maxFrameBytes, 64),
    partialFrameTimeoutMs: number('partialFrameTimeoutMs', d.partialFrameTimeoutMs, 0, TIMEOUT_MS_MAX),
    handshakeTimeoutMs: number('handshakeTimeoutMs', d.handshakeTimeoutMs, 1, TIMEOUT_MS_MAX),
    idleTimeoutMs: number('idleTimeoutMs', d.idleTimeoutMs, 0, TIMEOUT_MS_MAX),
    pauseReadingBytes: number(
      'pauseReadingBytes',
      Math.min(d.pauseReadingBytes, maxUnsentBytes),
      1,
      maxUnsentBytes,
    ),
    maxUnsentBytes,
    unsentTimeoutMs: number('unsentTimeoutMs', d.unsentTimeoutMs, 0, TIMEOUT_MS_MAX),
    receiveBudget: budgetOption('receiveBudget', options.receiveBudget, d.receiveBudget),
    sendBudget: budgetOption('sendBudget', options.sendBudget, d.sendBudget),
  }
}

function budgetOption(name: string, value: unknown, fallback: MemoryBudget): MemoryBudget {
  if (value === undefined) return fallback
  if (!(value instanceof MemoryBudget)) throw invalidOption(WHERE, name, value, 'a MemoryBudget')
  return value
}
