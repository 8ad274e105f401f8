import { invalidOption } from '../../base/index.ts'
import { type Address, parseAddress } from '../../host/index.ts'
import { isValidPath } from '../core/index.ts'

/** Where `zookeeper://h1:p1,h2:p2/chroot` points. */
export interface CoordinationUrl {
  readonly hosts: readonly Address[]
  /** In front of every path of this client; empty for none. */
  readonly chroot: string
}

const SCHEMES = /^(zookeeper|fenbu):\/\/([^/?#@]+)(\/[^?#]*)?$/
const ALLOWED = 'zookeeper://host:port,host:port/chroot or fenbu://host:port'

/** The port of a host that names none, by the scheme of the URL: where those servers listen unless told otherwise. */
export const PORT_DEFAULTS: Readonly<Record<'zookeeper' | 'fenbu', number>> = { zookeeper: 2181, fenbu: 7430 }

export function parseCoordinationUrl(url: string): CoordinationUrl {
  const match = SCHEMES.exec(String(url))
  if (!match) throw invalidOption('coordination', 'url', url, ALLOWED)
  const defaultPort = PORT_DEFAULTS[match[1] as keyof typeof PORT_DEFAULTS]
  const hosts = match[2]!.split(',').map((host) => parseAddress(host, defaultPort))
  const path = (match[3] ?? '').replace(/\/$/, '')
  if (path !== '' && !isValidPath(path)) throw invalidOption('coordination', 'url', url, ALLOWED)
  return { hosts, chroot: path }
}
