import {
  booleanOption,
  checkKnownOptions,
  invalidOption,
  stringOption,
  wholeNumberOption,
} from '../base/index.ts'
import { isLoopback } from './address.ts'
import {
  type ConnectionOptions,
  type ResolvedConnectionOptions,
  resolveConnectionOptions,
} from './connection-options.ts'
import { hostError } from './errors.ts'
import type { Service } from './protocol.ts'
import type { TlsOptions } from './tls.ts'

export interface ListenerOptions {
  /** Default 127.0.0.1. Anything wider needs client certificates, `authenticated`, or `insecure`. */
  readonly host?: string
  /** 0 chooses a free port. */
  readonly port: number
  /** Several services share the port if each of them `recognises` its own first bytes. */
  readonly services: readonly Service[]
  readonly tls?: TlsOptions
  /** The services authenticate every peer themselves. Default false. */
  readonly authenticated?: boolean
  /** Listen beyond this machine without authentication. Default false. */
  readonly insecure?: boolean
  /** Sockets above this are closed at once. Default 10 000. */
  readonly maxConnections?: number
  /**
   * Sockets of one peer (an IPv4 address or an IPv6 /64 network) above this are closed at once. Default a quarter of
   * `maxConnections`: one peer cannot shut out the others. Too small refuses clients behind one NAT.
   */
  readonly maxConnectionsPerPeer?: number
  readonly connection?: ConnectionOptions
}

export interface ResolvedListenerOptions {
  readonly host: string
  readonly port: number
  readonly services: readonly Service[]
  readonly tls: TlsOptions | undefined
  readonly maxConnections: number
  readonly maxConnectionsPerPeer: number
  readonly connection: ResolvedConnectionOptions
}

export const LISTENER_DEFAULTS: { readonly host: string; readonly maxConnections: number } = {
  host: '127.0.0.1',
  maxConnections: 10_000,
}

const WHERE = 'listener'
const NAMES: readonly (keyof ListenerOptions)[] = [
  'host',
  'port',
  'services',
  'tls',
  'authenticated',
  'insecure',
  'maxConnections',
  'maxConnectionsPerPeer',
  'connection',
]

export function resolveListenerOptions(options: ListenerOptions): ResolvedListenerOptions {
  checkKnownOptions(WHERE, options, NAMES)
  const host = stringOption(WHERE, 'host', options.host, LISTENER_DEFAULTS.host)
  checkExposure(host, options)
  const { maxConnections: given, maxConnectionsPerPeer: perPeer } = options
  const maxConnections = wholeNumberOption(
    WHERE,
    'maxConnections',
    given,
    LISTENER_DEFAULTS.maxConnections,
    1,
  )
  return {
    host,
    // There is no default port: undefined is refused like any other value that is no number.
    port: wholeNumberOption(WHERE, 'port', options.port ?? null, 0, 0, 65_535),
    services: servicesOption(options.services),
    tls: options.tls,
    maxConnections,
    maxConnectionsPerPeer: wholeNumberOption(
      WHERE,
      'maxConnectionsPerPeer',
      perPeer,
      Math.ceil(maxConnections / 4),
      1,
    ),
    connection: resolveConnectionOptions(options.connection),
  }
}

function servicesOption(services: readonly Service[]): readonly Service[] {
  if (!Array.isArray(services) || services.length === 0)
    throw invalidOption(WHERE, 'services', services, 'at least one service')
  const mute = services.find((service) => services.length > 1 && service.recognises === undefined)
  if (mute !== undefined)
    throw invalidOption(
      WHERE,
      'services',
      services,
      `several services on one port, each with recognises(); ${mute.protocol.name} has none`,
    )
  return services
}

/** A server that anyone can reach and nobody has to identify to is a decision, not a default. */
function checkExposure(host: string, options: ListenerOptions): void {
  const insecure = booleanOption(WHERE, 'insecure', options.insecure, false)
  const authenticated = booleanOption(WHERE, 'authenticated', options.authenticated, false)
  if (isLoopback(host) || insecure || authenticated || options.tls?.requireClientCertificate) return
  throw hostError(
    'HOST_EXPOSED',
    `refusing to listen on ${host}: nothing authenticates the peers. Listen on 127.0.0.1, require client certificates or authentication, or allow it with insecure: true (--insecure)`,
  )
}
