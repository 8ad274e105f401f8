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
const ZOOKEEPER_PORT_DEFAULT = 2181
const ALLOWED = 'zookeeper://host:port,host:port/chroot or fenbu://host:port'

export function parseCoordinationUrl(url: string): CoordinationUrl {
  const match = SCHEMES.exec(String(url))
  if (!match) throw invalidOption('coordination', 'url', url, ALLOWED)
  const defaultPort = match[1] === 'zookeeper' ? ZOOKEEPER_PORT_DEFAULT : undefined
  const hosts = match[2]!.split(',').map((host) => parseAddress(host, defaultPort))
  const path = (match[3] ?? '').replace(/\/$/, '')
  if (path !== '' && !isValidPath(path)) throw invalidOption('coordination', 'url', url, ALLOWED)
  return { hosts, chroot: path }
}
