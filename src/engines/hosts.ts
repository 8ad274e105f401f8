import { PORT_DEFAULTS } from '../coordination/client/index.ts'
import { type Address, formatAddress, parseAddress } from '../host/index.ts'

/** Where a fenbu server listens unless told otherwise. */
export const FENBU_PORT_DEFAULT: number = PORT_DEFAULTS.fenbu

/** Reads `host:port,host:port`. Throws `HOST_ADDRESS_INVALID`. */
export function parseHosts(text: string, defaultPort?: number): readonly Address[] {
  return text.split(',').map((host) => parseAddress(host, defaultPort))
}

/** `fenbu://host` with the port that was left out: `fenbu://host:7430`. */
export function completeFenbuUrl(url: string): string {
  const match = /^(fenbu:\/\/)([^/?#@]+)(.*)$/i.exec(url)
  if (!match) return url
  const hosts = parseHosts(match[2] ?? '', FENBU_PORT_DEFAULT).map(formatAddress)
  return `fenbu://${hosts.join(',')}${match[3]}`
}
