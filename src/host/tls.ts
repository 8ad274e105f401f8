import { createSecureContext } from 'node:tls'
import { checkKnownOptions, invalidOption } from '../base/index.ts'
import { hostError } from './errors.ts'

/** Keys and certificates, PEM. */
export interface TlsOptions {
  /** Own certificate chain. */
  readonly cert?: string | Uint8Array
  /** Private key of `cert`. */
  readonly key?: string | Uint8Array
  /** Authorities that peers are checked against; by default those of the system (clients) or none (servers). */
  readonly ca?: string | Uint8Array
  /** Servers: refuse clients without a certificate of `ca`. Default false. */
  readonly requireClientCertificate?: boolean
  /** Clients: the name that the server's certificate must carry; by default the host. */
  readonly serverName?: string
}

const WHERE = 'tls'
const NAMES: readonly (keyof TlsOptions)[] = ['cert', 'key', 'ca', 'requireClientCertificate', 'serverName']

/** What Node's TLS takes of our options. @internal Node's types stay out of the published declarations. */
export interface TlsMaterial {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
}

/** Checks the options of a server. Throws OPTION_* and HOST_TLS_INVALID. @internal */
export function serverTlsMaterial(tls: TlsOptions): TlsMaterial {
  checkKnownOptions(WHERE, tls, NAMES)
  if (tls.cert === undefined || tls.key === undefined)
    throw invalidOption(WHERE, tls.cert === undefined ? 'cert' : 'key', undefined, 'PEM; a server needs both')
  // Without `ca` Node would take the public authorities, and anyone can have a certificate of those.
  if (tls.requireClientCertificate && tls.ca === undefined)
    throw invalidOption(WHERE, 'ca', undefined, 'PEM of the authority that signs client certificates')
  return tlsMaterial(tls)
}

/** Checks the options of a client. Throws OPTION_* and HOST_TLS_INVALID. @internal */
export function clientTlsMaterial(tls: TlsOptions): TlsMaterial {
  checkKnownOptions(WHERE, tls, NAMES)
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw invalidOption(
      WHERE,
      tls.cert === undefined ? 'cert' : 'key',
      undefined,
      'PEM; cert and key go together',
    )
  return tlsMaterial(tls)
}

/** Checks the options of a client before its first connection. Throws OPTION_* and HOST_TLS_INVALID. */
export function checkClientTls(tls: TlsOptions): void {
  if (typeof tls !== 'object' || tls === null)
    throw invalidOption(WHERE, 'tls', tls, 'an object of TLS options')
  clientTlsMaterial(tls)
}

function tlsMaterial(tls: TlsOptions): TlsMaterial {
  const material: TlsMaterial = {
    ...(tls.ca !== undefined && { ca: toPem(tls.ca) }),
    ...(tls.cert !== undefined && { cert: toPem(tls.cert) }),
    ...(tls.key !== undefined && { key: toPem(tls.key) }),
  }
  try {
    createSecureContext(material)
  } catch (cause) {
    throw hostError('HOST_TLS_INVALID', `tls: cert, key or ca cannot be used: ${String(cause)}`, { cause })
  }
  return material
}

function toPem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}
