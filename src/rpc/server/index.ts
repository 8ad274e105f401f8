export { declareOutcome } from './declared-outcome.ts'
export type { HandlerFailure } from './failure.ts'
export { type ResolvedServerLimits, resolveServerLimits, SERVER_LIMITS, type ServerLimits } from './limits.ts'
export type { ProvideOptions } from './provided-service.ts'
export { Provider, type ProviderOptions } from './provider.ts'
export {
  createRpcServer,
  DRAIN_TIMEOUT_MS_DEFAULT,
  type DrainOptions,
  type Provision,
  type RpcServer,
  type RpcServerOptions,
} from './rpc-server.ts'
