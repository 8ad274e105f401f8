import { isIP } from 'node:net'
import { hostError } from './errors.ts'

/** Where something listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Reads `host:port` or `[ipv6]:port`; the port may be left out where there is a default. */
export function parseAddress(text: string, defaultPort?: number): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (!host || port === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6))
    throw hostError(
      'HOST_ADDRESS_INVALID',
      `address ${JSON.stringify(text)}: write host:port or [ipv6]:port, port 0 to 65535`,
    )
  return { host, port }
}

export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host) || host.startsWith('::ffff:127.')
}
