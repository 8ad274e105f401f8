import { parseHosts } from '../engines/index.ts'
import { byId, type Instance, type InstanceChange, type InstanceDescription, pick } from './core/index.ts'
import { registryError } from './errors.ts'
import { changedInstance, checkServiceName, newInstance } from './own-instance.ts'
import type { Registration, Registry, RegistryStatus, ServiceWatch, WaitOptions } from './registry.ts'
import { ServiceList } from './service-list.ts'
import { noneIgnored } from './status.ts'

/**
 * Addresses that are known beforehand: `static:order=127.0.0.1:7001,127.0.0.1:7002;stock=10.0.0.5:7003`.
 * Service names are percent-encoded where they contain `=`, `;` or `,`. Lists never change; registering succeeds
 * and tells nobody.
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
  const text = url.slice('static:'.length)
  for (const part of text.split(';').filter((piece) => piece !== '')) {
    const [encodedName, addresses, ...rest] = part.split('=')
    const service = decodeServiceName(encodedName)
    if (service === undefined || !addresses || rest.length > 0 || services.has(service))
      throw registryError(
        'REGISTRY_URL_INVALID',
        `registry ${JSON.stringify(url)}: cannot read ${JSON.stringify(part)}; write static:service=host:port,host:port;other=host:port, each service once`,
      )
    services.set(
      service,
      parseHosts(addresses)
        .map((address) => fixedInstance(service, address))
        .sort(byId),
    )
  }
  return services
}

function decodeServiceName(encoded: string | undefined): string | undefined {
  try {
    return checkServiceName('static', decodeURIComponent(encoded ?? '').trim())
  } catch {
    // The caller names the whole URL in its error.
    return undefined
  }
}

function fixedInstance(service: string, address: { readonly host: string; readonly port: number }): Instance {
  const id = `${address.host}:${address.port}`
  return pick({ ...newInstance({ service, ...address }), id, registeredMs: 0 })
}
