import type { FenbuError } from '../../base/index.ts'
import {
  type BalancerName,
  type Health,
  type Member,
  makeBalancer,
  ServiceGovernance,
} from '../../governance/index.ts'
import type {
  InstanceList,
  Instance as ListedInstance,
  Registry,
  ServiceWatch,
} from '../../registry/index.ts'
import { IDEMPOTENT_METADATA, rpcError, type VersionRange } from '../core/index.ts'
import type { Channel } from './channel.ts'
import type { Channels } from './channels.ts'
import type { DefinedMethod } from './client-connection.ts'

/** Names of methods that are remembered for one instance; a gateway may be asked for any name. */
const METHODS_REMEMBERED_MAX = 4096

/** A listed instance and the channel to it. */
export class Instance implements Member {
  readonly id: string
  readonly version: string
  readonly weight: number
  readonly channel: Channel
  readonly #service: string
  readonly #group: string
  /** Methods that the provider itself declares safe to run twice. */
  readonly #idempotent: ReadonlySet<string>
  readonly #methods = new Map<string, DefinedMethod>()

  constructor(listed: ListedInstance, channel: Channel) {
    this.id = listed.id
    this.version = listed.version
    this.weight = listed.weight
    this.channel = channel
    this.#service = listed.service
    this.#group = listed.group
    this.#idempotent = new Set(listed.metadata[IDEMPOTENT_METADATA]?.split(',') ?? [])
  }

  get health(): Health {
    return this.channel.health
  }

  declaresIdempotent(method: string): boolean {
    return this.#idempotent.has(method)
  }

  methodNamed(method: string): DefinedMethod {
    const known = this.#methods.get(method)
    if (known !== undefined) return known
    const [service, group, version] = [this.#service, this.#group, this.version]
    const named = { key: JSON.stringify([service, group, version, method]), service, group, version, method }
    if (this.#methods.size >= METHODS_REMEMBERED_MAX) this.#methods.clear()
    this.#methods.set(method, named)
    return named
  }
}

/** Which instances of a service may be called, and how one is chosen. */
export interface TargetOptions {
  readonly service: string
  readonly group: string
  readonly range: VersionRange
  readonly loadBalance: BalancerName
  readonly retries: number
  /** Calls that may wait for the first list. */
  readonly maxQueued: number
}

/** A call that waits for the first list; it is told once. */
export interface ListWaiter {
  listed(): void
  unlisted(reason: unknown): void
}

/** A service as one kind of caller sees it: the instances that fit its group and versions, kept up to date. */
export class ServiceTarget {
  readonly service: string
  readonly group: string
  readonly range: VersionRange
  readonly retries: number
  readonly governance: ServiceGovernance<Instance>
  readonly #watch: ServiceWatch
  readonly #channels: Channels
  readonly #unsubscribe: () => void
  readonly #maxQueued: number
  /** In the order of their arrival. */
  readonly #waiting = new Set<ListWaiter>()
  #asking = false
  #instances = new Map<string, Instance>()

  constructor(options: TargetOptions, registry: Registry, channels: Channels) {
    this.service = options.service
    this.group = options.group
    this.range = options.range
    this.retries = options.retries
    this.governance = new ServiceGovernance<Instance>(makeBalancer<Instance>(options.loadBalance))
    this.#maxQueued = options.maxQueued
    this.#channels = channels
    this.#watch = registry.watch(options.service)
    this.#unsubscribe = this.#watch.subscribe((list) => this.#update(list))
    if (this.#watch.current !== undefined) this.#update(this.#watch.current)
  }

  /** The newest list; undefined until there is one. */
  get list(): InstanceList | undefined {
    return this.#watch.current
  }

  /** Keeps a call until there is a list; one question to the registry serves all. Throws `RPC_QUEUE_FULL`. */
  awaitList(waiter: ListWaiter): void {
    if (this.#waiting.size >= this.#maxQueued)
      throw rpcError(
        'RPC_QUEUE_FULL',
        `${this.#waiting.size} calls wait for the first list of the instances of ${this.service}; ` +
          `maxQueued is ${this.#maxQueued}`,
      )
    this.#waiting.add(waiter)
    if (!this.#asking) void this.#ask()
  }

  /** Takes a waiting call back. */
  forget(waiter: ListWaiter): void {
    this.#waiting.delete(waiter)
  }

  /** Says what is listed instead. */
  noInstance(): FenbuError {
    const listed = this.list?.instances ?? []
    const others = [...new Set(listed.map((one) => `${one.version} in group ${one.group} (${one.state})`))]
    return rpcError(
      'RPC_NO_INSTANCE',
      `no instance of service ${this.service} ${this.range.text} in group ${this.group} takes calls; ` +
        (others.length === 0 ? 'none is listed' : `listed: ${others.slice(0, 5).join(', ')}`),
    )
  }

  /** Calls that wait for a list fail with `reason`. */
  close(reason: FenbuError): void {
    this.#unsubscribe()
    for (const waiter of this.#takeWaiting()) waiter.unlisted(reason)
    this.#watch.close()
    for (const instance of this.#instances.values()) instance.channel.listed(-1)
    this.#instances.clear()
    this.governance.update([])
  }

  async #ask(): Promise<void> {
    this.#asking = true
    try {
      const list = await this.#watch.ready()
      if (this.#waiting.size === 0) return
      if (this.#instances.size === 0) this.#update(list)
      for (const waiter of this.#takeWaiting()) waiter.listed()
    } catch (error) {
      for (const waiter of this.#takeWaiting()) waiter.unlisted(error)
    } finally {
      this.#asking = false
    }
  }

  #takeWaiting(): ListWaiter[] {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    return waiting
  }

  #update(list: InstanceList): void {
    const fitting = list.instances.filter(
      (one) => one.state === 'up' && one.group === this.group && this.range.includes(one.version),
    )
    const previous = this.#instances
    this.#instances = new Map(fitting.map((one) => [one.id, this.#instance(one, previous.get(one.id))]))
    for (const instance of this.#instances.values()) instance.channel.listed(1)
    for (const instance of previous.values()) instance.channel.listed(-1)
    this.governance.update([...this.#instances.values()])
  }

  #instance(listed: ListedInstance, known: Instance | undefined): Instance {
    const channel = this.#channels.to(listed.host, listed.port)
    const same =
      known?.channel === channel && known.weight === listed.weight && known.version === listed.version
    return same ? known : new Instance(listed, channel)
  }
}
