export type { Call } from './call.ts'
export type { ChannelStatus } from './channels.ts'
export { JOURNEY_CHANNEL, type Journey, type JourneyAttempt, type JourneyLookup } from './journey.ts'
export {
  type CallOptions,
  CLIENT_DEFAULTS,
  type InvokeOptions,
  type RpcClientOptions,
  type ServiceOptions,
} from './options.ts'
export type { Client } from './proxy.ts'
export { type CloseOptions, createRpcClient, type RpcClient } from './rpc-client.ts'
