import type { AsyncClosable } from '../base/index.ts'

/** What an engine can stand behind. */
export type EngineRole = 'coordination' | 'registry'

export interface EngineCallOptions {
  readonly signal?: AbortSignal
  /** Time limit, ms. Default 5 000. */
  readonly timeoutMs?: number
}

export interface EngineHealth {
  /** `degraded`: the connection is lost and may come back without loss. */
  readonly state: 'up' | 'degraded' | 'down'
  /** One question and its answer, ms; undefined unless up. */
  readonly roundTripMs: number | undefined
  /** Why it is not up, for people. */
  readonly problem: string | undefined
}

/** An outside server that a URL names. Making one does no I/O; one URL has one connection, shared by its users. */
export interface Engine extends AsyncClosable {
  /** What it is called, such as `zookeeper`. */
  readonly name: string
  /** Without credentials. */
  readonly url: string
  /** Resolves once it has answered; fails with `ENGINE_UNREACHABLE`. */
  ready(options?: EngineCallOptions): Promise<void>
  /** What the server says it is, asked now. */
  version(options?: EngineCallOptions): Promise<string>
  /** Never fails: an engine that does not answer is `down`. */
  health(options?: EngineCallOptions): Promise<EngineHealth>
  /** Gives this use back; the connection closes with the last one. */
  close(): Promise<void>
}
