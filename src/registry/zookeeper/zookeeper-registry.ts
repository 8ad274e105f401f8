import type { CoordinationClient } from '../../engines/index.ts'
import type { CacheFile } from '../cache-file.ts'
import { decodeName, type InstanceDescription, servicesPath } from '../core/index.ts'
import { registryError } from '../errors.ts'
import { DURATION_MS_MAX, timeoutOption } from '../options.ts'
import { checkServiceName, newInstance } from '../own-instance.ts'
import type { Registration, Registry, RegistryStatus, ServiceWatch, WaitOptions } from '../registry.ts'
import { withinTime } from '../time-limit.ts'
import { Leftovers } from './leftovers.ts'
import { OwnRegistration } from './own-registration.ts'
import type { RegistryContext } from './registry-context.ts'
import { ServiceSubscription } from './service-subscription.ts'
import { isRefusal, unlessMissing } from './tree-errors.ts'

type ClientState = CoordinationClient['state']

/** A registry in the tree of a coordination service; the layout is in `core/layout.ts`. */
export class ZooKeeperRegistry implements Registry {
  readonly #context: RegistryContext
  readonly #cache: CacheFile | undefined
  readonly #release: () => Promise<void>
  readonly #leftovers: Leftovers
  readonly #registrations = new Set<OwnRegistration>()
  readonly #subscriptions = new Map<string, ServiceSubscription>()
  /** What was let go and has not ended yet; awaited by `close`. */
  readonly #ending = new Set<Promise<void>>()
  readonly #unsubscribe: () => void
  #patience: NodeJS.Timeout | undefined
  /** The registry had its time to answer: whoever waits may have the cached list. */
  #impatient = false
  #closing: Promise<void> | undefined

  /** `release` gives the client back. */
  constructor(context: RegistryContext, cache: CacheFile | undefined, release: () => Promise<void>) {
    this.#context = context
    this.#leftovers = new Leftovers(context)
    this.#cache = cache
    this.#release = release
    this.#unsubscribe = context.client.onState((state) => this.#entered(state))
    if (cache) this.#patience = setTimeout(() => this.#loseThePatience(), context.options.cachePatienceMs)
  }

  async register(description: InstanceDescription, options: WaitOptions = {}): Promise<Registration> {
    this.#checkOpen()
    const { options: own, url } = this.#context
    const timeoutMs = timeoutOption('register', options.timeoutMs, own.registerTimeoutMs)
    options.signal?.throwIfAborted()
    const registration = new OwnRegistration(this.#context, newInstance(description), this.#leftovers, () =>
      this.#registrations.delete(registration),
    )
    this.#registrations.add(registration)
    try {
      await withinTime(
        { signal: options.signal, timeoutMs },
        (limit) => registration.confirmed(limit),
        (cause) =>
          registryError(
            'REGISTRY_UNREACHABLE',
            `${url} did not confirm the registration of ${description.service} within ${timeoutMs} ms; it is withdrawn`,
            { cause: this.#context.problemOf(registration) ?? cause },
          ),
      )
      return registration
    } catch (error) {
      this.#letGo(registration.deregister())
      throw error
    }
  }

  watch(service: string): ServiceWatch {
    this.#checkOpen()
    checkServiceName('watch', service)
    const subscription = this.#subscriptions.get(service) ?? this.#subscribe(service)
    return subscription.list.watch(() => {
      if (this.#subscriptions.get(service) === subscription) this.#subscriptions.delete(service)
      this.#letGo(subscription.close())
    })
  }

  async services(options: WaitOptions = {}): Promise<readonly string[]> {
    this.#checkOpen()
    const { client, url, options: own } = this.#context
    const path = servicesPath(own.root)
    try {
      const found = await unlessMissing(client.children(path, options))
      return (found?.children ?? []).flatMap((name) => decodeName(name) ?? []).sort()
    } catch (cause) {
      throw this.#failure(cause, options, `${url} did not list ${path}`)
    }
  }

  status(): RegistryStatus {
    const { client, url, ignored, problem } = this.#context
    const registrations = [...this.#registrations]
    return {
      state: reached(client.state),
      url,
      cache: this.#cache === undefined ? 'off' : this.#cache.filled ? 'filled' : 'empty',
      registrations: {
        total: registrations.length,
        verified: registrations.filter((registration) => registration.verified).length,
      },
      doubtful: this.#doubtful(),
      ignored: { ...ignored },
      problem,
    }
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    this.#checkOpen()
    const { client, url } = this.#context
    const timeoutMs = timeoutOption('ready', options.timeoutMs, DURATION_MS_MAX)
    try {
      await client.ready({ ...options, timeoutMs })
    } catch (cause) {
      throw this.#failure(cause, options, `${url} did not answer within ${timeoutMs} ms`)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #subscribe(service: string): ServiceSubscription {
    const subscription = new ServiceSubscription(this.#context, service, (instances, source) => {
      if (source === 'live') this.#cache?.put(service, instances)
    })
    this.#subscriptions.set(service, subscription)
    if (this.#impatient && this.#context.client.state !== 'connected') this.#useCache(service, subscription)
    return subscription
  }

  #loseThePatience(): void {
    this.#impatient = true
    if (this.#context.client.state === 'connected') return
    for (const [service, subscription] of this.#subscriptions) this.#useCache(service, subscription)
  }

  #useCache(service: string, subscription: ServiceSubscription): void {
    const instances = this.#cache?.get(service)
    if (instances !== undefined) subscription.useCached(instances)
  }

  #entered(state: ClientState): void {
    if (state === 'connected') {
      for (const registration of this.#registrations) registration.kick()
      for (const subscription of this.#subscriptions.values()) subscription.connected()
    } else for (const subscription of this.#subscriptions.values()) subscription.disturbed()
  }

  #doubtful(): Record<string, 'cached' | 'kept'> {
    const sources = [...this.#subscriptions].flatMap(([service, { list }]) => {
      const source = list.current?.source
      return source === undefined || source === 'live' ? [] : [[service, source] as const]
    })
    return Object.fromEntries(sources)
  }

  /** Ends in the background; what fails is in `status().problem` until it is over. */
  #letGo(ending: Promise<void>): void {
    const ended: Promise<void> = ending
      .catch((error: unknown) => this.#context.report(ended, error))
      .finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }

  async #close(): Promise<void> {
    clearTimeout(this.#patience)
    this.#unsubscribe()
    for (const subscription of this.#subscriptions.values()) subscription.list.close()
    for (const registration of this.#registrations) this.#letGo(registration.deregister())
    // What could not be removed ends with the session, which ends with the client.
    await Promise.all(this.#ending)
    await this.#leftovers.close()
    await this.#cache?.close()
    await this.#release()
  }

  #failure(cause: unknown, options: WaitOptions, message: string): unknown {
    if (options.signal?.aborted) return options.signal.reason
    return registryError(isRefusal(cause) ? 'REGISTRY_REFUSED' : 'REGISTRY_UNREACHABLE', message, { cause })
  }

  #checkOpen(): void {
    if (this.#closing) throw registryError('REGISTRY_CLOSED', `the registry ${this.#context.url} was closed`)
  }
}

function reached(state: ClientState): RegistryStatus['state'] {
  return state === 'connected' || state === 'suspended' ? state : 'down'
}
