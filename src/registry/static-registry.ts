import { parseHosts } from '../engines/index.ts'
import { byId, type Instance, type InstanceChange, type InstanceDescription, pick } from './core/index.ts'
import { registryError } from './errors.ts'
import { changedInstance, checkServiceName, newInstance } from './own-instance.ts'
import type { Registration, Registry, RegistryStatus, ServiceWatch, WaitOptions } from './registry.ts'
import { ServiceList } from './service-list.ts'
import { noneIgnored } from './status.ts'

/**
 * Addresses that are known beforehand: `static:order=127.0.0.1:7001,127.0.0.1:7002;stock=10.0.0.5:7003`.
 * A version other than 1.0.0 follows the name: `order@1.2.0=…`. Names are percent-encoded where they contain `=`,
 * `;`, `,` or `@`. Lists never change; registering succeeds and tells nobody.
 */
export function openStaticRegistry(url: string): Registry {
  return new StaticRegistry(url, parseStaticUrl(url))
}

class StaticRegistry implements Registry {
  readonly #url: string
  readonly #instances: ReadonlyMap<string, readonly Instance[]>
  readonly #lists = new Set<ServiceList>()
  #closed = false

  constructor(url: string, instances: ReadonlyMap<string, readonly Instance[]>) {
    this.#url = url
    this.#instances = instances
  }

  async register(description: InstanceDescription, options: WaitOptions = {}): Promise<Registration> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    return new StaticRegistration(newInstance(description))
  }

  watch(service: string): ServiceWatch {
    this.#checkOpen()
    checkServiceName('watch', service)
    const list = new ServiceList(service)
    this.#lists.add(list)
    list.publish(this.#instances.get(service) ?? [], 'live')
    return list.watch(() => this.#lists.delete(list))
  }

  async services(): Promise<readonly string[]> {
    this.#checkOpen()
    return [...this.#instances.keys()].sort()
  }

  status(): RegistryStatus {
    return {
      state: this.#closed ? 'down' : 'connected',
      url: this.#url,
      cache: 'off',
      registrations: { total: 0, verified: 0 },
      doubtful: {},
      ignored: noneIgnored(),
      problem: undefined,
    }
  }

  async ready(): Promise<void> {
    this.#checkOpen()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const list of [...this.#lists]) list.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw registryError('REGISTRY_CLOSED', `the registry ${this.#url} was closed`)
  }
}

class StaticRegistration implements Registration {
  instance: Instance
  #gone = false

  constructor(instance: Instance) {
    this.instance = instance
  }

  async update(change: InstanceChange): Promise<void> {
    if (this.#gone)
      throw registryError('REGISTRY_DEREGISTERED', `instance ${this.instance.id} was deregistered`)
    this.instance = changedInstance(this.instance, change)
  }

  async deregister(): Promise<void> {
    this.#gone = true
  }
}

function parseStaticUrl(url: string): ReadonlyMap<string, readonly Instance[]> {
  const services = new Map<string, readonly Instance[]>()
  const parts = url.slice('static:'.length).split(';')
  for (const part of parts.filter((piece) => piece !== '')) {
    const instances = parsePart(url, part)
    const service = instances[0]!.service
    const all = [...(services.get(service) ?? []), ...instances].sort(byId)
    if (new Set(all.map(({ id }) => id)).size < all.length)
      throw unreadable(url, part, 'an address is there twice')
    services.set(service, all)
  }
  return services
}

/** `order@1.2.0=host:port,host:port` */
function parsePart(url: string, part: string): readonly Instance[] {
  const match = /^([^=@]+)(?:@([^=@]+))?=([^=]+)$/.exec(part)
  if (!match) throw unreadable(url, part, 'it is not service=host:port')
  const [, name, version = '1.0.0', addresses] = match
  return parseHosts(addresses!).map(({ host, port }) => {
    const instance = { service: decoded(url, part, name!), host, port, version }
    return pick({ ...newInstance(instance), id: `${host}:${port}`, registeredMs: 0 })
  })
}

function decoded(url: string, part: string, name: string): string {
  try {
    return decodeURIComponent(name).trim()
  } catch (cause) {
    throw unreadable(url, part, 'the name is not percent-encoded', cause)
  }
}

function unreadable(url: string, part: string, why: string, cause?: unknown): Error {
  return registryError(
    'REGISTRY_URL_INVALID',
    `registry ${JSON.stringify(url)}: cannot read ${JSON.stringify(part)}, ${why}; write static:service=host:port,host:port;other=host:port`,
    { cause },
  )
}
