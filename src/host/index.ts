export { type Address, formatAddress, isLoopback, parseAddress } from './address.ts'
export { Connection, type ConnectionStatistics } from './connection.ts'
export {
  CONNECTION_DEFAULTS,
  type ConnectionOptions,
  type ResolvedConnectionOptions,
} from './connection-options.ts'
export { CONNECT_TIMEOUT_MS_DEFAULT, type DialOptions, dial } from './dial.ts'
export { HOST_ERRORS, type HostErrorCode, hostError } from './errors.ts'
export { type NodeFiles, nodeFiles } from './files.ts'
export { Listener, type ListenerCloseOptions } from './listener.ts'
export { LISTENER_DEFAULTS, type ListenerOptions } from './listener-options.ts'
export { BudgetShare, MemoryBudget } from './memory-budget.ts'
export type { ConnectionHandler, Protocol, Service } from './protocol.ts'
export type { ListenerStatistics } from './reception.ts'
export { checkClientTls, type TlsOptions } from './tls.ts'
export { nodeClock, nodeRandom, nodeTimers } from './world.ts'
