import {
  checkKnownOptions,
  type FenbuError,
  invalidOption,
  stringOption,
  wholeNumberOption,
} from '../../base/index.ts'
import { type Address, Listener, type TlsOptions } from '../../host/index.ts'
import type { Registration, Registry } from '../../registry/index.ts'
import { IDEMPOTENT_METADATA, type ProvidedService, rpcError } from '../core/index.ts'
import type { HandlerFailure } from './failure.ts'
import { resolveServerLimits, type ServerLimits } from './limits.ts'
import type { ProvideOptions } from './provided-service.ts'
import { Provider } from './provider.ts'

export interface RpcServerOptions extends ServerLimits {
  /** Where to listen. Default 127.0.0.1; anything wider needs client certificates or `insecure`. */
  readonly host?: string
  /** Default 0, a free port. */
  readonly port?: number
  /** Announces what is provided; without one callers must know the address. */
  readonly registry?: Registry
  /** The host that consumers are told, where it is not `host`, such as behind address translation. */
  readonly advertiseHost?: string
  /** The port that consumers are told. */
  readonly advertisePort?: number
  readonly zone?: string
  readonly tls?: TlsOptions
  readonly insecure?: boolean
  /** Hears of handlers that failed with an error that is not for callers. Default: a process warning. */
  readonly onHandlerFailure?: (failure: HandlerFailure) => void
}

const KNOWN: readonly (keyof RpcServerOptions)[] = [
  'host',
  'port',
  'registry',
  'advertiseHost',
  'advertisePort',
  'zone',
  'tls',
  'insecure',
  'onHandlerFailure',
  'maxInFlight',
  'maxInFlightTotal',
  'maxFrameBytes',
]

/** Time that calls under way get when a server stops, ms. */
export const DRAIN_TIMEOUT_MS_DEFAULT = 10_000

/** Time that the registry gets to tell consumers that this server drains, and later to forget it, ms. */
const ANNOUNCE_MS_MAX = 1_000

/** A service that is being provided. */
export interface Provision {
  readonly service: string
  readonly group: string
  readonly version: string
  /** Undefined without a registry. */
  readonly registration: Registration | undefined
  /** Deregisters, then refuses further calls; idempotent. */
  withdraw(): Promise<void>
}

export interface DrainOptions {
  /** Calls that take longer are cut off, ms. Default 10 000. */
  readonly timeoutMs?: number
}

/** Listens for calls of the services that it provides. */
export interface RpcServer {
  readonly address: Address
  readonly instanceId: string
  /** Calls whose handlers have not ended. */
  readonly inFlight: number
  /**
   * Makes a service callable, and announces it in the registry. A plain object exposes its own functions, an
   * instance of a class what `options.methods` lists. Rejects with `RPC_METHODS_INVALID`, `RPC_ALREADY_PROVIDED`,
   * or what the registry says.
   */
  provide<T extends object>(
    service: string,
    implementation: T,
    options?: ProvideOptions<T>,
  ): Promise<Provision>
  /**
   * Stops without losing a call: announces that it drains, sends consumers elsewhere, finishes what is under way,
   * deregisters, closes.
   */
  drain(options?: DrainOptions): Promise<void>
  /** The same as `drain()`; idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens an RPC server; rejects if the address is taken, wrong, or reaches further than its authentication. */
export async function createRpcServer(options: RpcServerOptions = {}): Promise<RpcServer> {
  const where = 'createRpcServer'
  checkKnownOptions(where, options, KNOWN)
  const limits = resolveServerLimits(where, options)
  const provider = new Provider({
    limits,
    ...(options.onHandlerFailure !== undefined && { onHandlerFailure: options.onHandlerFailure }),
  })
  const listener = await Listener.open({
    host: stringOption(where, 'host', options.host, '127.0.0.1'),
    port: wholeNumberOption(where, 'port', options.port, 0, 0, 65_535),
    services: [provider.service],
    connection: { maxFrameBytes: limits.maxFrameBytes },
    ...(options.tls !== undefined && { tls: options.tls }),
    ...(options.insecure !== undefined && { insecure: options.insecure }),
  })
  return new ListeningServer(provider, listener, options)
}

class ListeningServer implements RpcServer {
  readonly #provider: Provider
  readonly #listener: Listener
  readonly #options: RpcServerOptions
  readonly #provisions = new Set<ServerProvision>()
  #closing: Promise<void> | undefined

  constructor(provider: Provider, listener: Listener, options: RpcServerOptions) {
    this.#provider = provider
    this.#listener = listener
    this.#options = options
  }

  get address(): Address {
    return this.#listener.address
  }

  get instanceId(): string {
    return this.#provider.instanceId
  }

  get inFlight(): number {
    return this.#provider.inFlight
  }

  async provide<T extends object>(
    service: string,
    implementation: T,
    options: ProvideOptions<T> = {},
  ): Promise<Provision> {
    if (this.#closing) throw closed()
    const provided = this.#provider.provide(service, implementation, options)
    const withdraw = (): void => this.#provider.withdraw(provided)
    try {
      const registration = await this.#register(service, options, provided)
      const provision = new ServerProvision(provided, registration, withdraw)
      this.#provisions.add(provision)
      return provision
    } catch (error) {
      withdraw()
      throw error
    }
  }

  drain(options: DrainOptions = {}): Promise<void> {
    const timeoutMs = wholeNumberOption('drain', 'timeoutMs', options.timeoutMs, DRAIN_TIMEOUT_MS_DEFAULT, 0)
    this.#closing ??= this.#drain(timeoutMs)
    return this.#closing
  }

  close(): Promise<void> {
    return this.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #drain(timeoutMs: number): Promise<void> {
    const provisions = [...this.#provisions]
    // Consumers that hear of it later are told by GOAWAY; a registry that is down must not keep a process from stopping.
    await settledWithin(
      ANNOUNCE_MS_MAX,
      provisions.map((provision) => provision.registration?.update({ state: 'draining' })),
    )
    this.#provider.drain(timeoutMs)
    await this.#listener.close({ drainTimeoutMs: timeoutMs })
    await settledWithin(
      ANNOUNCE_MS_MAX,
      provisions.map((provision) => provision.withdraw()),
    )
  }

  async #register(
    service: string,
    options: Pick<ProvideOptions<object>, 'weight' | 'metadata'>,
    provided: ProvidedService,
  ): Promise<Registration | undefined> {
    const { registry, advertiseHost, advertisePort, zone } = this.#options
    if (registry === undefined) return undefined
    return await registry.register({
      service,
      host: advertiseHost ?? advertisable(this.address.host),
      port: advertisePort ?? this.address.port,
      version: provided.version,
      group: provided.group,
      ...(options.weight !== undefined && { weight: options.weight }),
      ...(zone !== undefined && { zone }),
      metadata: { ...options.metadata, ...idempotentMetadata(provided) },
    })
  }
}

class ServerProvision implements Provision {
  readonly service: string
  readonly group: string
  readonly version: string
  readonly registration: Registration | undefined
  readonly #remove: () => void
  #withdrawing: Promise<void> | undefined

  constructor(
    provided: { readonly service: string; readonly group: string; readonly version: string },
    registration: Registration | undefined,
    remove: () => void,
  ) {
    this.service = provided.service
    this.group = provided.group
    this.version = provided.version
    this.registration = registration
    this.#remove = remove
  }

  withdraw(): Promise<void> {
    this.#withdrawing ??= this.#withdraw()
    return this.#withdrawing
  }

  async #withdraw(): Promise<void> {
    try {
      await this.registration?.deregister()
    } finally {
      this.#remove()
    }
  }
}

/** Waits for all, at most so long. Failures are the registry's: a registration ends with its lease, too. */
async function settledWithin(maxMs: number, promises: readonly (Promise<void> | undefined)[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, maxMs)
  })
  await Promise.race([Promise.allSettled(promises), timeout])
  clearTimeout(timer)
}

/** Consumers retry what the provider itself says may run twice. */
function idempotentMetadata({ methods }: ProvidedService): Readonly<Record<string, string>> {
  const names = [...methods.values()].filter((method) => method.idempotent).map((method) => method.name)
  return names.length === 0 ? {} : { [IDEMPOTENT_METADATA]: names.join(',') }
}

/** Nobody can call `0.0.0.0`; who listens there says where. */
function advertisable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  throw invalidOption(
    'createRpcServer',
    'advertiseHost',
    undefined,
    `a host that consumers can call, which ${host} is not`,
  )
}

function closed(): FenbuError {
  return rpcError('RPC_CLOSED', 'this RPC server was closed')
}
