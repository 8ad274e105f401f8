import type { AsyncClosable } from '../base/index.ts'
import type { CoordinationClient } from '../coordination/client/index.ts'
import type { Registry, RegistryStatus } from '../registry/index.ts'
import type { RpcClient, RpcServer } from '../rpc/index.ts'

/** How the engines of an application are, at one moment. */
export interface AppStatus {
  readonly name: string | undefined
  /** Undefined where there is none. */
  readonly coordination:
    | { readonly url: string; readonly state: 'connected' | 'suspended' | 'down' }
    | undefined
  readonly registry: RegistryStatus
  /** Where services are provided; undefined before the first `provide`. */
  readonly provider: { readonly address: string; readonly inFlight: number } | undefined
  /** What is not as it should be, for people: `registry: starting on the cached list`. Empty when all is well. */
  readonly notes: readonly string[]
}

/**
 * An application that is connected: the objects of the areas, and shortcuts that are their own functions. Making a
 * handle does no I/O.
 */
export interface App extends AsyncClosable {
  /** Makes a service callable and announces it. The first one opens the RPC server. */
  readonly provide: RpcServer['provide']
  /** A typed proxy of a service, wherever its instances are. */
  readonly service: RpcClient['service']
  /** Calls a method by its name, without a proxy. */
  readonly invoke: RpcClient['invoke']
  /**
   * The tree of the coordination service. Using it fails with `APP_NOT_CONNECTED` if connect() was given none.
   * Closing it ends this handle only: the registry and other applications on the same connection go on, and what was
   * made in the session stays until its last user closes.
   */
  readonly coordination: CoordinationClient
  readonly registry: Registry
  readonly status: AppStatus
  /**
   * Drains: consumers are sent elsewhere, calls under way finish, registrations and sessions end, connections
   * close. Idempotent.
   */
  close(): Promise<void>
}
