export { operations } from '../core/index.ts'
export type {
  CallableOperation,
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
export { PORT_DEFAULTS } from './url.ts'
