import { randomUUID } from 'node:crypto'
import type { Connection, ConnectionHandler, Service } from '../../host/index.ts'
import { codecIds } from '../codecs.ts'
import {
  DEFINITIONS_MAX,
  FEATURES,
  type Hello,
  isPreface,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  type ProvidedService,
  ServiceTable,
} from '../core/index.ts'
import { DeadlineTimer } from '../deadline-timer.ts'
import { rpcProtocol } from '../protocol.ts'
import { type HandlerFailure, warnOfFailure } from './failure.ts'
import type { ResolvedServerLimits } from './limits.ts'
import { makeProvidedService, type ProvideOptions } from './provided-service.ts'
import type { ServerCall } from './server-call.ts'
import { ServerConnection } from './server-connection.ts'

/** What the connections of one provider share. */
export interface ProviderState {
  readonly hello: Hello
  readonly limits: ResolvedServerLimits
  readonly services: ServiceTable
  readonly connections: Set<ServerConnection>
  readonly deadlines: DeadlineTimer<ServerCall>
  readonly report: (failure: HandlerFailure) => void
  inFlight: number
  draining: boolean
  drainMs: number
}

export interface ProviderOptions {
  readonly limits: ResolvedServerLimits
  /** Names this process in HELLO. Default random. */
  readonly instanceId?: string
  /** Hears of handlers that failed with an error that is not for callers. Default: a process warning. */
  readonly onHandlerFailure?: (failure: HandlerFailure) => void
}

/**
 * The services of one process and the connections that call them, without a listener of its own: `service` goes
 * into any listener, alone or beside other protocols.
 */
export class Provider {
  readonly instanceId: string
  readonly service: Service
  readonly #state: ProviderState

  constructor(options: ProviderOptions) {
    this.instanceId = options.instanceId ?? randomUUID()
    this.#state = {
      hello: helloOf(this.instanceId, options.limits),
      limits: options.limits,
      services: new ServiceTable(),
      connections: new Set(),
      deadlines: new DeadlineTimer((call) => call.owner.expire(call)),
      report: options.onHandlerFailure ?? warnOfFailure,
      inFlight: 0,
      draining: false,
      drainMs: 0,
    }
    this.service = {
      protocol: rpcProtocol,
      recognises: isPreface,
      accept: (connection: Connection): ConnectionHandler => this.#accept(connection),
    }
  }

  /** Calls whose handlers have not ended. */
  get inFlight(): number {
    return this.#state.inFlight
  }

  /** Makes a service callable; throws what is wrong with it. */
  provide<T extends object>(
    service: string,
    implementation: T,
    options: ProvideOptions<T> = {},
  ): ProvidedService {
    const provided = makeProvidedService(service, implementation, options)
    this.#state.services.add(provided)
    return provided
  }

  withdraw(provided: ProvidedService): void {
    this.#state.services.remove(provided)
  }

  /** Tells every client to go elsewhere; connections end when their calls have. New connections are told at once. */
  drain(drainMs: number): void {
    this.#state.draining = true
    this.#state.drainMs = drainMs
    for (const connection of this.#state.connections) connection.drain()
  }

  #accept(connection: Connection): ConnectionHandler {
    const handler = new ServerConnection(connection, this.#state)
    this.#state.connections.add(handler)
    return handler
  }
}

function helloOf(instanceId: string, limits: ResolvedServerLimits): Hello {
  return {
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    maxFrameBytes: limits.maxFrameBytes,
    maxInFlight: limits.maxInFlight,
    maxDefinitions: DEFINITIONS_MAX,
    features: FEATURES,
    codecs: codecIds(['messagepack', 'json']),
    instanceId,
  }
}
