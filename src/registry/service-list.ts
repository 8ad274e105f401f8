import type { Instance, InstanceList, ListSource } from './core/index.ts'
import { registryError } from './errors.ts'
import { timeoutOption } from './options.ts'
import type { ServiceWatch, WaitOptions } from './registry.ts'
import { withinTime } from './time-limit.ts'
import { Waiter } from './waiter.ts'

/**
 * The newest list of one service, and everyone who wants to hear of it. Lists are full, so an iterator that is
 * slower than the changes gets the newest one next, and nothing queues up.
 */
export class ServiceList {
  readonly #service: string
  readonly #watches = new Set<Watch>()
  #current: InstanceList | undefined
  #failed: unknown

  constructor(service: string) {
    this.#service = service
  }

  get current(): InstanceList | undefined {
    return this.#current
  }

  get watched(): boolean {
    return this.#watches.size > 0
  }

  publish(instances: readonly Instance[], source: ListSource): void {
    const revision = (this.#current?.revision ?? 0) + 1
    this.#current = { service: this.#service, revision, instances, source }
    this.#failed = undefined
    for (const watch of [...this.#watches]) watch.deliver(this.#current)
  }

  /** The registry refuses to show the list: whoever waits for the first one is told. */
  fail(error: unknown): void {
    this.#failed = error
    if (this.#current === undefined) for (const watch of [...this.#watches]) watch.refuse(error)
  }

  watch(lastClosed: () => void): ServiceWatch {
    const watch = new Watch(this, () => {
      this.#watches.delete(watch)
      if (this.#watches.size === 0) lastClosed()
    })
    this.#watches.add(watch)
    if (this.#current === undefined && this.#failed !== undefined) watch.refuse(this.#failed)
    return watch
  }

  close(): void {
    for (const watch of [...this.#watches]) watch.close()
  }
}

class Watch implements ServiceWatch {
  readonly #list: ServiceList
  readonly #onClose: () => void
  readonly #listeners = new Set<(list: InstanceList) => void>()
  /** Waiting for the first list. */
  readonly #waiters = new Set<Waiter<InstanceList>>()
  /** One for all who wait without a signal: during an outage there may be a call for every millisecond. */
  #shared: Waiter<InstanceList> | undefined
  /** Iterators that have seen the newest list and wait for the next, or the end. */
  #wakeups: (() => void)[] = []
  #refused: unknown
  #closed = false

  constructor(list: ServiceList, onClose: () => void) {
    this.#list = list
    this.#onClose = onClose
  }

  get current(): InstanceList | undefined {
    return this.#list.current
  }

  ready({ signal, timeoutMs }: WaitOptions = {}): Promise<InstanceList> {
    if (timeoutMs === undefined) return this.#wait(signal)
    const limits = { signal, timeoutMs: timeoutOption('ready', timeoutMs, timeoutMs) }
    return withinTime(
      limits,
      (limit) => this.#wait(limit),
      (cause) =>
        registryError('REGISTRY_UNREACHABLE', `there was no list within ${timeoutMs} ms`, {
          cause,
          outcome: 'not-executed',
        }),
    )
  }

  subscribe(listener: (list: InstanceList) => void): () => void {
    if (!this.#closed) this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InstanceList, void, undefined> {
    let seen = 0
    while (!this.#closed) {
      const list = this.current
      if (list !== undefined && list.revision !== seen) {
        seen = list.revision
        yield list
      } else await new Promise<void>((resolve) => this.#wakeups.push(resolve))
    }
  }

  deliver(list: InstanceList): void {
    this.#refused = undefined
    for (const waiter of [...this.#waiters]) waiter.resolve(list)
    for (const listener of [...this.#listeners]) tell(listener, list)
    this.#wake()
  }

  refuse(error: unknown): void {
    this.#refused = error
    for (const waiter of [...this.#waiters]) waiter.reject(error)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    for (const waiter of [...this.#waiters])
      waiter.reject(registryError('REGISTRY_CLOSED', 'the watch was closed before the registry answered'))
    this.#wake()
    this.#onClose()
  }

  #wait(signal: AbortSignal | undefined): Promise<InstanceList> {
    if (signal === undefined && this.#shared !== undefined) return this.#shared.promise
    const waiter = new Waiter<InstanceList>(signal, (settled) => this.#forget(settled))
    if (signal?.aborted) return waiter.promise
    if (this.#closed) waiter.reject(registryError('REGISTRY_CLOSED', 'this watch was closed'))
    else if (this.current !== undefined) waiter.resolve(this.current)
    else if (this.#refused !== undefined) waiter.reject(this.#refused)
    else this.#remember(waiter, signal === undefined)
    return waiter.promise
  }

  #remember(waiter: Waiter<InstanceList>, shared: boolean): void {
    this.#waiters.add(waiter)
    if (shared) this.#shared = waiter
  }

  #forget(waiter: Waiter<InstanceList>): void {
    this.#waiters.delete(waiter)
    if (this.#shared === waiter) this.#shared = undefined
  }

  #wake(): void {
    const wakeups = this.#wakeups
    this.#wakeups = []
    for (const wake of wakeups) wake()
  }
}

/** What a listener throws is its own affair: an uncaught exception, and the others hear the list. */
function tell(listener: (list: InstanceList) => void, list: InstanceList): void {
  try {
    listener(list)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
