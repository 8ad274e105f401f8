import { wholeNumberOption } from '../../base/index.ts'

/** Bounds of what peers can make a server do; above them calls are refused before they are decoded. */
export interface ServerLimits {
  /** Handlers at once for one connection. Default 1 024. */
  readonly maxInFlight?: number
  /** Handlers at once in this process. Default 10 000. */
  readonly maxInFlightTotal?: number
  /** Longest frame in either direction, bytes. Default 4 MiB. */
  readonly maxFrameBytes?: number
}

export type ResolvedServerLimits = Required<ServerLimits>

export const SERVER_LIMITS: ResolvedServerLimits = {
  maxInFlight: 1024,
  maxInFlightTotal: 10_000,
  maxFrameBytes: 4 * 1024 * 1024,
}

export function resolveServerLimits(where: string, limits: ServerLimits): ResolvedServerLimits {
  const number = (name: keyof ServerLimits, min: number, max: number): number =>
    wholeNumberOption(where, name, limits[name], SERVER_LIMITS[name], min, max)
  return {
    maxInFlight: number('maxInFlight', 1, 1_000_000),
    maxInFlightTotal: number('maxInFlightTotal', 1, 10_000_000),
    maxFrameBytes: number('maxFrameBytes', 1024, 1024 * 1024 * 1024),
  }
}
