import {
  checkKnownOptions,
  type FenbuError,
  invalidOption,
  shown,
  stringOption,
  wholeNumberOption,
} from '../../base/index.ts'
import { type Address, Listener, type TlsOptions } from '../../host/index.ts'
import type { InstanceDescription, Registration, Registry, WaitOptions } from '../../registry/index.ts'
import { IDEMPOTENT_METADATA, type ProvidedService, rpcError } from '../core/index.ts'
import { DELAY_MS_MAX } from '../delay.ts'
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

/** Time that the registry gets to confirm what is provided, ms. */
const PROVIDE_TIMEOUT_MS_DEFAULT = 10_000

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
   * `RPC_CLOSED` when the server is closed meanwhile, or what the registry says, such as `REGISTRY_UNREACHABLE`;
   * nothing stays provided then.
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
  if (options.registry !== undefined && options.advertiseHost === undefined) checkAdvertisable(options.host)
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
  /** Services that the registry has not confirmed yet. */
  readonly #announcing = new Set<Promise<unknown>>()
  /** Aborts once the server stops. */
  readonly #stop = new AbortController()
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
    const wait = this.#waitOptions(`provide(${shown(service)})`, options)
    const provided = this.#provider.provide(service, implementation, options)
    try {
      const registration = await this.#announce(provided, options, wait)
      const provision: ServerProvision = new ServerProvision(provided, registration, () => {
        this.#provisions.delete(provision)
        this.#provider.withdraw(provided)
      })
      this.#provisions.add(provision)
      return provision
    } catch (error) {
      this.#provider.withdraw(provided)
      throw error
    }
  }

  drain(options: DrainOptions = {}): Promise<void> {
    const timeoutMs = wholeNumberOption(
      'drain',
      'timeoutMs',
      options.timeoutMs,
      DRAIN_TIMEOUT_MS_DEFAULT,
      0,
      DELAY_MS_MAX,
    )
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
    this.#stop.abort(closed())
    const provisions = [...this.#provisions]
    // Consumers that hear of it later are told by GOAWAY; a registry that is down must not keep a process from stopping.
    await settledWithin(
      ANNOUNCE_MS_MAX,
      provisions.map((provision) => provision.registration?.update({ state: 'draining' })),
    )
    this.#provider.drain(timeoutMs)
    await this.#listener.close({ drainTimeoutMs: timeoutMs })
    await settledWithin(ANNOUNCE_MS_MAX, [
      ...provisions.map((provision) => provision.withdraw()),
      ...this.#announcing,
    ])
  }

  #waitOptions(where: string, { timeoutMs, signal }: WaitOptions): Required<WaitOptions> {
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw invalidOption(where, 'signal', signal, 'an AbortSignal')
    const stop = this.#stop.signal
    return {
      timeoutMs: wholeNumberOption(
        where,
        'timeoutMs',
        timeoutMs,
        PROVIDE_TIMEOUT_MS_DEFAULT,
        1,
        DELAY_MS_MAX,
      ),
      // A signal of its own for each: many may wait, and a signal warns of many listeners.
      signal: AbortSignal.any(signal === undefined ? [stop] : [stop, signal]),
    }
  }

  async #announce(
    provided: ProvidedService,
    options: AnnounceOptions,
    wait: WaitOptions,
  ): Promise<Registration | undefined> {
    const { registry } = this.#options
    if (registry === undefined) return undefined
    const announcing = this.#register(registry, this.#describe(provided, options), wait)
    this.#announcing.add(announcing)
    try {
      return await announcing
    } finally {
      this.#announcing.delete(announcing)
    }
  }

  async #register(
    registry: Registry,
    instance: InstanceDescription,
    wait: WaitOptions,
  ): Promise<Registration> {
    const registration = await registry.register(instance, wait)
    if (!this.#stop.signal.aborted) return registration
    // Confirmed in the moment in which the server began to stop: nobody else knows of it.
    await registration.deregister()
    throw closed()
  }

  #describe(provided: ProvidedService, { weight, metadata }: AnnounceOptions): InstanceDescription {
    const { advertiseHost, advertisePort, zone } = this.#options
    return {
      service: provided.service,
      host: advertiseHost ?? this.address.host,
      port: advertisePort ?? this.address.port,
      version: provided.version,
      group: provided.group,
      ...(weight !== undefined && { weight }),
      ...(zone !== undefined && { zone }),
      metadata: { ...metadata, ...idempotentMetadata(provided) },
    }
  }
}

type AnnounceOptions = Pick<ProvideOptions<object>, 'weight' | 'metadata'>

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
async function settledWithin(
  maxMs: number,
  promises: readonly (Promise<unknown> | undefined)[],
): Promise<void> {
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

/** All zeros, in any form that a resolver takes. */
const WILDCARD = /^(?:0+(?:\.0+){0,3}|[0:]*:[0:]*|::ffff:0\.0\.0\.0)$/i

/** Nobody can call `0.0.0.0`; who listens there says where. */
function checkAdvertisable(host: unknown): void {
  if (typeof host === 'string' && WILDCARD.test(host))
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
