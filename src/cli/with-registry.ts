import type { TlsOptions } from '../host/index.ts'
import type { Registry } from '../registry/index.ts'

/** Opens a registry for one command, without a cache: what is shown is what it says now. */
export async function withRegistry(
  url: string,
  timeoutMs: number,
  tls: TlsOptions | undefined,
  use: (registry: Registry, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { openRegistry } = await import('../registry/index.ts')
  const registry = await openRegistry(url, { cacheFolder: false, ...(tls && { tls }) })
  try {
    await registry.ready({ timeoutMs })
    await use(registry, AbortSignal.timeout(timeoutMs))
  } finally {
    await registry.close()
  }
}
