export { FenbuError, isFenbuError, type Outcome } from '../base/index.ts'
export { type CurrentCall, currentCall } from './call-context.ts'
export {
  type Call,
  type CallOptions,
  type ChannelStatus,
  CLIENT_DEFAULTS,
  type Client,
  type CloseOptions,
  createRpcClient,
  type InvokeOptions,
  JOURNEY_CHANNEL,
  type Journey,
  type JourneyAttempt,
  type JourneyLookup,
  type RpcClient,
  type RpcClientOptions,
  type ServiceOptions,
} from './client/index.ts'
export {
  type CodecName,
  type Metadata,
  type MethodName,
  RemoteError,
  RPC_ERRORS,
  type RpcErrorCode,
} from './core/index.ts'
export {
  createRpcServer,
  type DrainOptions,
  declareOutcome,
  type HandlerFailure,
  type ProvideOptions,
  Provider,
  type ProviderOptions,
  type Provision,
  type RpcServer,
  type RpcServerOptions,
  SERVER_LIMITS,
  type ServerLimits,
} from './server/index.ts'
