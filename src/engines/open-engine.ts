import type { CoordinationClientOptions } from '../coordination/client/index.ts'
import { engineError } from './errors.ts'
import { type Scheme, schemeOf } from './schemes.ts'
import type { ZooKeeperEngine } from './zookeeper.ts'

/**
 * Opens the engine of a URL; its driver is loaded by the first use. No I/O with the engine yet.
 * Fails with `ENGINE_URL_INVALID`, `ENGINE_SCHEME_UNKNOWN`, `ENGINE_NOT_AVAILABLE`, `ENGINE_WRONG_ROLE`.
 */
export async function openCoordinationEngine(
  url: string,
  options: CoordinationClientOptions = {},
): Promise<ZooKeeperEngine> {
  const scheme: Scheme = schemeOf(url, 'coordination')
  switch (scheme) {
    case 'zookeeper':
    case 'fenbu': {
      const { openZooKeeper } = await import('./zookeeper.ts')
      return openZooKeeper(url, options)
    }
    case 'embedded':
    case 'static':
      throw engineError(
        'ENGINE_WRONG_ROLE',
        `${url} names no server that is running; connect() of fenbu starts embedded servers`,
      )
  }
}
