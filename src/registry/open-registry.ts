import {
  completeFenbuUrl,
  openCoordinationEngine,
  type Scheme,
  schemeOf,
  withoutCredentials,
} from '../engines/index.ts'
import { CacheFile, defaultCacheFolder } from './cache-file.ts'
import { registryError } from './errors.ts'
import { type RegistryOptions, type ResolvedRegistryOptions, resolveRegistryOptions } from './options.ts'
import type { Registry } from './registry.ts'

/**
 * Opens the registry of a URL: `zookeeper://host:port/path`, `fenbu://host:port`, or
 * `static:service=host:port,host:port;other=host:port`. Reads the cache file and does not wait for the registry.
 * Fails with `ENGINE_…` for a scheme it does not have and `REGISTRY_URL_INVALID`.
 *
 * ```ts
 * const registry = await openRegistry('zookeeper://localhost:2181/shop', { app: 'gateway' })
 * for await (const list of registry.watch('order')) console.log(list.instances)
 * ```
 */
export async function openRegistry(url: string, options: RegistryOptions = {}): Promise<Registry> {
  const resolved = resolveRegistryOptions(options)
  const scheme: Scheme = schemeOf(url, 'registry')
  switch (scheme) {
    case 'static': {
      const { openStaticRegistry } = await import('./static-registry.ts')
      return openStaticRegistry(url)
    }
    case 'zookeeper':
    case 'fenbu':
      return openTreeRegistry(url, resolved)
    case 'embedded':
      throw registryError(
        'REGISTRY_URL_INVALID',
        `${url} names no server that is running; connect() of fenbu starts embedded servers`,
      )
  }
}

async function openTreeRegistry(url: string, options: ResolvedRegistryOptions): Promise<Registry> {
  const { RegistryContext } = await import('./zookeeper/registry-context.ts')
  const { ZooKeeperRegistry } = await import('./zookeeper/zookeeper-registry.ts')
  const shownUrl = withoutCredentials(completeFenbuUrl(url))
  const { coordination, sessionTimeoutMs, tls } = options
  if (coordination) {
    const context = new RegistryContext(coordination, shownUrl, options)
    return new ZooKeeperRegistry(context, await openCache(context, options), async () => {})
  }
  const engine = await openCoordinationEngine(url, { sessionTimeoutMs, ...(tls && { tls }) })
  const context = new RegistryContext(engine.client, shownUrl, options)
  return new ZooKeeperRegistry(context, await openCache(context, options), () => engine.close())
}

async function openCache(
  context: {
    readonly url: string
    report(owner: object, error: unknown): void
    recovered(owner: object): void
  },
  options: ResolvedRegistryOptions,
): Promise<CacheFile | undefined> {
  const { app, cacheFolder = defaultCacheFolder(), root } = options
  if (app === undefined || cacheFolder === false) return undefined
  const owner = { registry: `${context.url} ${root}`, app }
  return CacheFile.open(cacheFolder, owner, (error) => {
    if (error === undefined) context.recovered(owner)
    else {
      context.report(owner, error)
      process.emitWarning(error)
    }
  })
}
