import { isIP } from 'node:net'
import { shown } from '../base/index.ts'
import { hostError } from './errors.ts'

/** Where something listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

const PORT_MAX = 65_535
const HOST_NAME_CHARS_MAX = 253

/** Reads `host:port` or `[ipv6]:port`; the port may be left out where there is a default. */
export function parseAddress(text: string, defaultPort?: number): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(String(text).trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  const known = match?.[1] === undefined ? isHostName(host) : isIP(match[1]) === 6
  if (!host || !known || port === undefined || port > PORT_MAX)
    throw hostError(
      'HOST_ADDRESS_INVALID',
      `address ${shown(text)}: write host:port or [ipv6]:port, port 0 to ${PORT_MAX}${defaultPort === undefined ? '' : `; without a port it is ${defaultPort}`}`,
    )
  return { host, port }
}

export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Whether a connection can be made to it: `parseAddress` made it, and its port is not 0. */
export function isDialable(address: Address): boolean {
  const { host, port } = address
  return Number.isInteger(port) && port > 0 && port <= PORT_MAX && (isIP(host) !== 0 || isHostName(host))
}

/** True for addresses that only this machine reaches; a name that merely looks like one is none. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const address = withoutMapping(host)
  return isIP(address) === 4
    ? address.startsWith('127.')
    : isIP(address) === 6 && groupsOf(address).join() === '0,0,0,0,0,0,0,1'
}

/**
 * Who counts as one peer: an IPv4 address, or the /64 network of an IPv6 address (one machine has 2^64 of those, so
 * a limit per address would be none).
 */
export function peerGroup(host: string): string {
  const address = withoutMapping(host)
  return isIP(address) === 6 ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address
}

/** `::ffff:10.0.0.1`, an IPv4 peer on a socket that serves both families, is 10.0.0.1. */
function withoutMapping(host: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host
}

/** The eight groups of an IPv6 address, in hexadecimal without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
}

/** Letters of any script (the resolver encodes them), digits, hyphens, underscores, and dots between labels. */
function isHostName(host: string | undefined): boolean {
  return (
    host !== undefined &&
    host.length <= HOST_NAME_CHARS_MAX &&
    /^[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*\.?$/u.test(host)
  )
}
