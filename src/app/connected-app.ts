import type { CoordinationClient } from '../coordination/client/index.ts'
import type { ZooKeeperEngine } from '../engines/index.ts'
import type { Registry } from '../registry/index.ts'
import { createRpcClient, createRpcServer, type RpcClient, type RpcServer } from '../rpc/index.ts'
import type { App, AppStatus } from './app.ts'
import type { EmbeddedServers } from './embedded-servers.ts'
import { appError } from './errors.ts'
import type { ResolvedConnectOptions } from './options.ts'
import { coordinationStatus, notesOn } from './status.ts'

/** What an application is made of. */
export interface AppParts {
  readonly options: ResolvedConnectOptions
  readonly coordination: ZooKeeperEngine | undefined
  readonly registry: Registry
  readonly embedded: EmbeddedServers
}

export class ConnectedApp implements App {
  readonly registry: Registry
  readonly provide: RpcServer['provide']
  readonly service: RpcClient['service']
  readonly invoke: RpcClient['invoke']
  readonly #parts: AppParts
  readonly #client: RpcClient
  #server: Promise<RpcServer> | undefined
  #openServer: RpcServer | undefined
  #closing: Promise<void> | undefined

  constructor(parts: AppParts) {
    this.#parts = parts
    this.registry = parts.registry
    this.#client = createRpcClient({ ...parts.options.consume, registry: parts.registry })
    this.service = this.#client.service.bind(this.#client) as RpcClient['service']
    this.invoke = this.#client.invoke.bind(this.#client) as RpcClient['invoke']
    this.provide = async (service, implementation, options) =>
      (await this.#provider()).provide(service, implementation, options)
  }

  get coordination(): CoordinationClient {
    const { coordination } = this.#parts
    if (coordination === undefined)
      throw appError(
        'APP_NOT_CONNECTED',
        'this application has no coordination: name it in connect({ coordination: URL, registry: URL })',
      )
    return coordination.client
  }

  get status(): AppStatus {
    const { coordination: engine, options, embedded } = this.#parts
    const coordination = engine && coordinationStatus(engine.url, engine.client)
    const registry = this.registry.status()
    const server = this.#openServer
    return {
      name: options.name,
      coordination,
      registry,
      provider: server && {
        address: `${server.address.host}:${server.address.port}`,
        inFlight: server.inFlight,
      },
      notes: [...embedded.notes, ...notesOn(coordination, registry)],
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #provider(): Promise<RpcServer> {
    if (this.#closing)
      throw appError('APP_CLOSED', 'this application was closed and provides nothing any more')
    this.#server ??= this.#open()
    return this.#server
  }

  async #open(): Promise<RpcServer> {
    try {
      this.#openServer = await createRpcServer({ ...this.#parts.options.provide, registry: this.registry })
      return this.#openServer
    } catch (error) {
      // A port that is taken now may be free at the next attempt.
      this.#server = undefined
      throw error
    }
  }

  /** From the outside in: who calls us is sent away first, what our handlers need goes last. */
  async #close(): Promise<void> {
    const { coordination, embedded } = this.#parts
    const steps = [
      async () => (await this.#server?.catch(() => undefined))?.close(),
      () => this.#client.close(),
      () => this.registry.close(),
      async () => coordination?.close(),
      () => embedded.close(),
    ]
    const failures: unknown[] = []
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
