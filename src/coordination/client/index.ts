export type {
  CallOptions,
  CoordinationClient,
  CreateMode,
  CreateOptions,
  MultiError,
  MultiOperation,
  MultiResult,
  Session,
  Stat,
  VersionOptions,
  WatchEvent,
  WatchListener,
  WatchOptions,
} from './client.ts'
export { connect } from './connect.ts'
export { COORDINATION_CLIENT_DEFAULTS, type CoordinationClientOptions } from './options.ts'
export type { ClientState } from './session-machine.ts'
