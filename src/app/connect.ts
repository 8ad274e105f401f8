import { isFenbuError } from '../base/index.ts'
import { openCoordinationEngine, type TlsOptions, type ZooKeeperEngine } from '../engines/index.ts'
import { openRegistry, REGISTRY_DEFAULTS, type Registry } from '../registry/index.ts'
import type { App } from './app.ts'
import { ConnectedApp } from './connected-app.ts'
import { EmbeddedServers } from './embedded-servers.ts'
import { appError } from './errors.ts'
import { type ConnectOptions, type ResolvedConnectOptions, resolveConnectOptions } from './options.ts'
import { type ConnectTargets, type ResolvedTargets, resolveTargets } from './targets.ts'

/**
 * Connects an application to its engines: one URL for all, or one for each capability. Resolves when every engine
 * has answered. Where the registry does not and its cache file has the lists of an earlier run, the application
 * starts on those, and `status.notes` says so.
 *
 * Fails with `APP_ENGINE_UNREACHABLE`, naming the engine; `ENGINE_…` for a URL; `SERVER_…` for `embedded:`.
 *
 * ```ts
 * const app = await connect('fenbu://localhost', { name: 'shop' })
 * await app.provide<OrderService>('order', new Orders(), { methods: ['buy'] })
 * const orders = app.service<OrderService>('order')
 * await orders.buy('HHKB键盘')
 * await app.close()
 * ```
 */
export async function connect(to: string | ConnectTargets, options: ConnectOptions = {}): Promise<App> {
  const targets = resolveTargets(to)
  const resolved = resolveConnectOptions(options)
  const opened: (() => Promise<void>)[] = []
  try {
    return await open(targets, resolved, opened)
  } catch (error) {
    for (const close of opened.toReversed()) await close()
    throw error
  }
}

async function open(
  targets: ResolvedTargets,
  options: ResolvedConnectOptions,
  opened: (() => Promise<void>)[],
): Promise<App> {
  const embedded = new EmbeddedServers()
  opened.push(() => embedded.close())

  const coordinationUrl = targets.coordination && (await embedded.reach(targets.coordination))
  const coordination = coordinationUrl
    ? await openCoordinationEngine(coordinationUrl, connectionOptions(targets.coordination, options))
    : undefined
  if (coordination) opened.push(() => coordination.close())

  // One URL has one connection and one session, and each of its users a handle of its own.
  const registry = await openRegistry(await embedded.reach(targets.registry), {
    ...connectionOptions(targets.registry, options),
    ...(options.name !== undefined && { app: options.name }),
    // The lists of an embedded server end with it.
    ...(embedded.any && { cacheFolder: false as const }),
    ...options.registry,
  })
  opened.push(() => registry.close())

  await waitForAll(targets, coordination, registry, options)
  return new ConnectedApp({ options, coordination, registry, embedded })
}

/** An embedded server listens on loopback, without TLS. */
function connectionOptions(
  url: string | undefined,
  { sessionTimeoutMs, tls }: ResolvedConnectOptions,
): { readonly sessionTimeoutMs: number; readonly tls?: TlsOptions } {
  const embedded = url?.toLowerCase().startsWith('embedded:')
  return { sessionTimeoutMs, ...(tls && !embedded && { tls }) }
}

/** Both are asked at once; the first that fails is named. */
async function waitForAll(
  targets: ResolvedTargets,
  coordination: ZooKeeperEngine | undefined,
  registry: Registry,
  options: ResolvedConnectOptions,
): Promise<void> {
  const { timeoutMs, signal } = options
  const limits = { timeoutMs, ...(signal && { signal }) }
  const waits = [named('registry', registryUsable(registry, options), options)]
  if (coordination && !targets.shared) waits.push(named('coordination', coordination.ready(limits), options))
  await Promise.all(waits)
}

/** It answered, or its patience ran out and there are lists of an earlier run. */
async function registryUsable(registry: Registry, options: ResolvedConnectOptions): Promise<void> {
  const { signal, timeoutMs, registry: own } = options
  const startable = registry.status().cache === 'filled'
  const patienceMs = own.cachePatienceMs ?? REGISTRY_DEFAULTS.cachePatienceMs
  try {
    await registry.ready({
      timeoutMs: startable ? Math.max(1, patienceMs) : timeoutMs,
      ...(signal && { signal }),
    })
  } catch (error) {
    if (!startable || !isFenbuError(error, 'REGISTRY_UNREACHABLE')) throw error
  }
}

async function named(
  engine: string,
  answer: Promise<void>,
  { signal }: ResolvedConnectOptions,
): Promise<void> {
  try {
    await answer
  } catch (cause) {
    signal?.throwIfAborted()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw appError('APP_ENGINE_UNREACHABLE', `connect: ${engine} ${why}`, { cause })
  }
}
