import { randomUUID } from 'node:crypto'
import { type FenbuError, invalidOption, wholeNumberOption } from '../../base/index.ts'
import { ByteWriter } from '../../bytes/index.ts'
import type { Registry } from '../../registry/index.ts'
import { ambientCall } from '../call-context.ts'
import { codecIds, codecNamed } from '../codecs.ts'
import {
  type Codec,
  DEFINITIONS_MAX,
  encodeMetadata,
  FEATURES,
  inheritedMetadata,
  type MethodName,
  NO_METADATA,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  rpcError,
} from '../core/index.ts'
import { DeadlineTimer } from '../deadline-timer.ts'
import { DELAY_MS_MAX } from '../delay.ts'
import { type Call, makeCall } from './call.ts'
import type { ChannelWorld } from './channel.ts'
import { type ChannelStatus, Channels } from './channels.ts'
import { Invocation, type InvocationWorld } from './invocation.ts'
import { JourneyRecorder } from './journey.ts'
import {
  type CallOptions,
  type InvokeOptions,
  type ResolvedCallOptions,
  type ResolvedClientOptions,
  type ResolvedServiceOptions,
  type RpcClientOptions,
  resolveCallOptions,
  resolveClientOptions,
  resolveServiceOptions,
  type ServiceOptions,
  splitInvokeOptions,
} from './options.ts'
import { type Client, makeProxy, type ProxyTarget } from './proxy.ts'
import type { ServiceTarget } from './service-target.ts'
import { Snapshots } from './snapshots.ts'
import { Targets } from './targets.ts'

export interface CloseOptions {
  /** Calls under way that take longer are cut off, ms. Default 10 000. */
  readonly timeoutMs?: number
}

const CLOSE_TIMEOUT_MS_DEFAULT = 10_000

/** Calls services that a registry lists. */
export interface RpcClient {
  /** A typed proxy; made without I/O. */
  service<T extends object>(name: string, options?: ServiceOptions<MethodName<T>>): Client<T>
  /** Calls a method by name, for gateways and tools that have no type. */
  invoke(service: string, method: string, args?: readonly unknown[], options?: InvokeOptions): Call<unknown>
  readonly status: readonly ChannelStatus[]
  /** Fails what waits, lets what is under way finish, and closes the connections; idempotent. */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes a client; connections are made by its calls. */
export function createRpcClient(options: RpcClientOptions): RpcClient {
  return new CallingClient(options.registry, resolveClientOptions(options))
}

class CallingClient implements RpcClient {
  readonly #options: ResolvedClientOptions
  readonly #codec: Codec
  readonly #channels: Channels
  readonly #targets: Targets
  readonly #world: InvocationWorld & ChannelWorld
  readonly #scratch = new ByteWriter(1024)
  readonly #snapshots = new Snapshots()
  #closed: FenbuError | undefined
  #closing: Promise<void> | undefined

  constructor(registry: Registry, options: ResolvedClientOptions) {
    this.#options = options
    this.#codec = codecNamed(options.codec)
    this.#world = {
      options,
      codec: this.#codec,
      hello: {
        versionMin: PROTOCOL_VERSION_MIN,
        versionMax: PROTOCOL_VERSION_MAX,
        maxFrameBytes: options.maxFrameBytes,
        maxInFlight: 0,
        maxDefinitions: DEFINITIONS_MAX,
        features: FEATURES,
        codecs: codecIds([options.codec]),
        instanceId: randomUUID(),
      },
      deadlines: new DeadlineTimer<Invocation>((call) => call.due()),
      random: () => Math.floor(Math.random() * 0x1_0000_0000),
    }
    this.#channels = new Channels(this.#world)
    this.#targets = new Targets(registry, this.#channels, options.maxQueued)
  }

  get status(): readonly ChannelStatus[] {
    return this.#channels.status
  }

  service<T extends object>(name: string, options: ServiceOptions<MethodName<T>> = {}): Client<T> {
    const resolved = this.#resolveService(name, options)
    const call = resolveCallOptions(`service(${name})`, {}, resolved)
    return makeProxy<T>(new BoundService(this, name, this.#targets.bound(name, resolved), resolved, call))
  }

  invoke(
    service: string,
    method: string,
    args: readonly unknown[] = [],
    options: InvokeOptions = {},
  ): Call<unknown> {
    const where = `invoke(${service}.${method})`
    if (typeof method !== 'string' || method.length === 0 || method.length > 80)
      throw invalidOption('invoke', 'method', method, 'a text of 1 to 80 characters')
    if (!Array.isArray(args)) throw invalidOption(where, 'args', args, 'an array of arguments')
    const split = splitInvokeOptions(where, method, options)
    const resolved = this.#resolveService(service, split.service)
    const call = resolveCallOptions(where, split.call, resolved)
    return this.call(
      this.#targets.invoked(service, resolved),
      method,
      args,
      resolved.idempotent.has(method),
      call,
    )
  }

  /** Sends a call now; what is wrong with it rejects the call. */
  call(
    target: ServiceTarget,
    method: string,
    args: readonly unknown[],
    idempotent: boolean,
    options: ResolvedCallOptions,
  ): Call<unknown> {
    return makeCall<unknown>((resolve, reject) => {
      if (this.#closed !== undefined) throw this.#closed
      const nowMs = performance.now()
      const ambient = ambientCall()
      const parent = ambient?.ended === false ? ambient : undefined
      const deadlineMs = Math.min(nowMs + options.timeoutMs, parent?.deadline ?? Number.POSITIVE_INFINITY)
      const request = {
        target,
        method,
        args: this.#encode(args),
        metadata: ambient === undefined ? options.metadataBytes : withInherited(options, ambient.metadata),
        idempotent,
        deadlineMs,
        signal: options.signal,
        parent,
      }
      const recorder = JourneyRecorder.start(this.#options.onJourney, request, nowMs)
      new Invocation(this.#world, request, resolve, reject, recorder).start(nowMs)
    })
  }

  close(options: CloseOptions = {}): Promise<void> {
    const timeoutMs = wholeNumberOption(
      'close',
      'timeoutMs',
      options.timeoutMs,
      CLOSE_TIMEOUT_MS_DEFAULT,
      0,
      DELAY_MS_MAX,
    )
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closed = rpcError('RPC_CLOSED', 'this RPC client was closed')
    this.#targets.close(this.#closed)
    await this.#channels.close(this.#closed, timeoutMs)
  }

  #encode(args: readonly unknown[]): Uint8Array {
    this.#scratch.reset()
    this.#codec.encode(this.#scratch, args)
    return this.#snapshots.take(this.#scratch)
  }

  #resolveService(name: string, options: ServiceOptions): ResolvedServiceOptions {
    if (this.#closed !== undefined) throw this.#closed
    if (typeof name !== 'string' || name.length === 0 || name.length > 80)
      throw invalidOption('service', 'name', name, 'a text of 1 to 80 characters')
    return resolveServiceOptions(`service(${name})`, options, this.#options.timeoutMs)
  }
}

/** A service with its options, as a proxy calls it. */
class BoundService implements ProxyTarget {
  readonly name: string
  readonly #client: CallingClient
  readonly #target: ServiceTarget
  readonly #service: ResolvedServiceOptions
  readonly #call: ResolvedCallOptions

  constructor(
    client: CallingClient,
    name: string,
    target: ServiceTarget,
    service: ResolvedServiceOptions,
    call: ResolvedCallOptions,
  ) {
    this.name = name
    this.#client = client
    this.#target = target
    this.#service = service
    this.#call = call
  }

  call(method: string, args: readonly unknown[]): Call<unknown> {
    return this.#client.call(this.#target, method, args, this.#service.idempotent.has(method), this.#call)
  }

  with(options: CallOptions): ProxyTarget {
    const call = resolveCallOptions(`${this.name}.with`, options, this.#call)
    return new BoundService(this.#client, this.name, this.#target, this.#service, call)
  }
}

/** The caller's own metadata wins over what the call that is being handled brought along. */
function withInherited(options: ResolvedCallOptions, ambient: Readonly<Record<string, string>>): Uint8Array {
  const inherited = inheritedMetadata(ambient)
  return inherited === NO_METADATA
    ? options.metadataBytes
    : encodeMetadata({ ...inherited, ...options.metadata })
}
