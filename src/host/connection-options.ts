import { checkKnownOptions, wholeNumberOption } from '../base/index.ts'

/** Limits of one connection. A peer that passes one is disconnected, and nobody else notices. */
export interface ConnectionOptions {
  /** Longest frame, bytes. Default 4 MiB. Too small refuses honest messages, too large lets a peer fill memory. */
  readonly maxFrameBytes?: number
  /** Time for the rest of a frame once its first byte is here, ms. Default 10 000. */
  readonly partialFrameTimeoutMs?: number
  /** Time until the protocol says `established()`, ms. Default 5 000. */
  readonly handshakeTimeoutMs?: number
  /** Silence after which the peer counts as dead, ms; 0 never. Default 300 000. */
  readonly idleTimeoutMs?: number
  /** Unsent bytes above which this side stops reading requests from the peer. Default 1 MiB. */
  readonly pauseReadingBytes?: number
  /** Unsent bytes above which the peer is disconnected as a slow reader. Default 64 MiB. */
  readonly maxUnsentBytes?: number
}

export type ResolvedConnectionOptions = Required<ConnectionOptions>

export const CONNECTION_DEFAULTS: ResolvedConnectionOptions = {
  maxFrameBytes: 4 * 1024 * 1024,
  partialFrameTimeoutMs: 10_000,
  handshakeTimeoutMs: 5_000,
  idleTimeoutMs: 300_000,
  pauseReadingBytes: 1024 * 1024,
  maxUnsentBytes: 64 * 1024 * 1024,
}

export function resolveConnectionOptions(options: ConnectionOptions = {}): ResolvedConnectionOptions {
  const where = 'connection'
  const d = CONNECTION_DEFAULTS
  checkKnownOptions(where, options, Object.keys(d))
  const number = (name: keyof ConnectionOptions, min: number): number =>
    wholeNumberOption(where, name, options[name], d[name], min)
  return {
    maxFrameBytes: number('maxFrameBytes', 64),
    partialFrameTimeoutMs: number('partialFrameTimeoutMs', 1),
    handshakeTimeoutMs: number('handshakeTimeoutMs', 1),
    idleTimeoutMs: number('idleTimeoutMs', 0),
    pauseReadingBytes: number('pauseReadingBytes', 1),
    maxUnsentBytes: number('maxUnsentBytes', 1),
  }
}
