import type {
  Instance,
  InstanceChange,
  InstanceDescription,
  InstanceList,
  Registration,
  Registry,
  RegistryStatus,
  ServiceWatch,
} from '../../src/registry/index.ts'

/** A registry inside the test: lists change when the test says so, or when a server registers. */
export class MemoryRegistry implements Registry {
  readonly #instances = new Map<string, Instance>()
  readonly #listeners = new Map<string, Set<(list: InstanceList) => void>>()
  #revision = 0
  #count = 0

  async register(description: InstanceDescription): Promise<Registration> {
    const instance: Instance = {
      version: '1.0.0',
      group: 'default',
      weight: 100,
      zone: '',
      metadata: {},
      ...description,
      id: `instance-${++this.#count}`,
      state: 'up',
      registeredMs: 0,
    }
    this.add(instance)
    const current = (): Instance => this.#instances.get(instance.id) ?? instance
    return {
      get instance() {
        return current()
      },
      update: async (change: InstanceChange) => this.add({ ...current(), ...change }),
      deregister: async () => this.remove(instance.id),
    }
  }

  /** Lists an address that nobody registered. */
  list(service: string, address: { host: string; port: number }, more: Partial<Instance> = {}): Instance {
    const instance: Instance = {
      id: `listed-${++this.#count}`,
      service,
      ...address,
      version: '1.0.0',
      group: 'default',
      weight: 100,
      zone: '',
      state: 'up',
      registeredMs: 0,
      metadata: {},
      ...more,
    }
    this.add(instance)
    return instance
  }

  add(instance: Instance): void {
    this.#instances.set(instance.id, instance)
    this.#changed(instance.service)
  }

  remove(id: string): void {
    const instance = this.#instances.get(id)
    this.#instances.delete(id)
    if (instance) this.#changed(instance.service)
  }

  watch(service: string): ServiceWatch {
    const listeners = this.#listeners.get(service) ?? new Set()
    this.#listeners.set(service, listeners)
    const current = (): InstanceList => this.#list(service)
    return {
      get current() {
        return current()
      },
      ready: async () => current(),
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      close: () => {},
      async *[Symbol.asyncIterator]() {
        yield current()
      },
    }
  }

  async services(): Promise<readonly string[]> {
    return [...new Set([...this.#instances.values()].map((instance) => instance.service))]
  }

  status(): RegistryStatus {
    return {
      state: 'connected',
      url: 'memory:',
      cache: 'off',
      registrations: { total: 0, verified: 0 },
      doubtful: {},
      ignored: {} as RegistryStatus['ignored'],
      problem: undefined,
    }
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #list(service: string): InstanceList {
    const instances = [...this.#instances.values()].filter((instance) => instance.service === service)
    return { service, revision: this.#revision, instances, source: 'live' }
  }

  #changed(service: string): void {
    this.#revision++
    for (const listener of this.#listeners.get(service) ?? []) listener(this.#list(service))
  }
}
