import {
  booleanOption,
  checkKnownOptions,
  invalidOption,
  stringOption,
  wholeNumberOption,
} from '../base/index.ts'
import type { CoordinationServerOptions } from '../coordination/server/index.ts'
import { FENBU_PORT_DEFAULT } from '../engines/index.ts'
import type { TlsOptions } from '../host/index.ts'

export interface ServerOptions {
  /** Folder that everything is kept in; made when needed, used by one server at a time. Default `./fenbu-data`. */
  readonly data?: string
  /** Keep everything in a temporary folder that is removed with the server, instead of `data`. Default false. */
  readonly temporary?: boolean
  /** Default 127.0.0.1; anything wider needs `tls` with client certificates, or `insecure`. */
  readonly host?: string
  /** Default 7430; 0 chooses a free one. */
  readonly port?: number
  readonly tls?: TlsOptions
  /** Listen beyond this machine although nothing authenticates the peers. Default false. */
  readonly insecure?: boolean
  /** How long connections get to finish what is under way when the server closes, ms. Default 5 000. */
  readonly drainTimeoutMs?: number
  /** Limits and times of the coordinator. */
  readonly coordination?: CoordinationServerOptions
}

export interface ResolvedServerOptions {
  /** Undefined for a temporary folder. */
  readonly data: string | undefined
  readonly host: string
  readonly port: number
  readonly tls: TlsOptions | undefined
  readonly insecure: boolean
  readonly drainTimeoutMs: number
  readonly coordination: CoordinationServerOptions
}

export const SERVER_DEFAULTS: ResolvedServerOptions = {
  data: './fenbu-data',
  host: '127.0.0.1',
  port: FENBU_PORT_DEFAULT,
  tls: undefined,
  insecure: false,
  drainTimeoutMs: 5_000,
  coordination: {},
}

export function resolveServerOptions(options: ServerOptions = {}): ResolvedServerOptions {
  const where = 'startServer'
  const d = SERVER_DEFAULTS
  checkKnownOptions(where, options, [...Object.keys(d), 'temporary'])
  const temporary = booleanOption(where, 'temporary', options.temporary, false)
  if (temporary && options.data !== undefined)
    throw invalidOption(where, 'data', options.data, 'none, together with temporary: true')
  return {
    data: temporary ? undefined : stringOption(where, 'data', options.data, d.data!),
    host: stringOption(where, 'host', options.host, d.host),
    port: wholeNumberOption(where, 'port', options.port, d.port, 0, 65_535),
    tls: options.tls,
    insecure: booleanOption(where, 'insecure', options.insecure, d.insecure),
    drainTimeoutMs: wholeNumberOption(
      where,
      'drainTimeoutMs',
      options.drainTimeoutMs,
      d.drainTimeoutMs,
      0,
      2 ** 31 - 1,
    ),
    coordination: options.coordination ?? d.coordination,
  }
}
