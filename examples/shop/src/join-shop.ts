import { type App, connect } from 'fenbu'
import type { RoleOptions } from './role-options.ts'

/**
 * Further options of every process that joins: `--engines URL` with the chroot of the run, `--cache FOLDER`, and for
 * providers `--advertise PORT`.
 */
export const JOIN_OPTIONS = ['engines', 'cache', 'advertise'] as const

/**
 * Connects a process of the shop. A session of 4 s, the shortest that a ZooKeeper with default settings grants: the
 * registration of a provider that was killed is gone by then, and meanwhile its callers find out by themselves.
 */
export function joinShop(options: RoleOptions): Promise<App> {
  const cacheFolder = options.text('cache', '')
  const advertisePort = options.number('advertise', 0, 65_535)
  return connect(options.text('engines'), {
    name: 'shop',
    sessionTimeoutMs: 4_000,
    registry: { cacheFolder: cacheFolder === '' ? false : cacheFolder },
    provide: advertisePort === 0 ? {} : { advertisePort },
  })
}
