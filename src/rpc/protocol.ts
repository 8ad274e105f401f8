import type { Protocol } from '../host/index.ts'
import { frameLength } from './core/index.ts'

/** fenbu RPC as the one framed connection sees it. */
export const rpcProtocol: Protocol = { name: 'rpc', frameLength }
