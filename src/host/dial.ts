import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Address } from './address.ts'
import { formatAddress } from './address.ts'
import { Connection } from './connection.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { hostError } from './errors.ts'
import type { Protocol } from './protocol.ts'
import type { TlsOptions } from './tls.ts'

export interface DialOptions {
  /** Time for the TCP and TLS handshakes, ms. Default 5 000. */
  readonly connectTimeoutMs?: number
  readonly tls?: TlsOptions
  readonly signal?: AbortSignal
  readonly connection?: ConnectionOptions
}

export const CONNECT_TIMEOUT_MS_DEFAULT = 5_000

/** Opens a client connection. The caller calls `start` on it in the same turn. */
export function dial(address: Address, protocol: Protocol, options: DialOptions = {}): Promise<Connection> {
  const { signal, connectTimeoutMs = CONNECT_TIMEOUT_MS_DEFAULT } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const socket = openSocket(address, options.tls)
    const fail = (error: unknown): void => {
      cleanUp()
      socket.on('error', () => socket.destroy())
      socket.destroy()
      reject(error)
    }
    const onAbort = (): void => fail(signal?.reason)
    const onError = (cause: Error): void =>
      fail(
        hostError('HOST_CONNECT_FAILED', `${protocol.name} to ${formatAddress(address)}: ${cause.message}`, {
          cause,
        }),
      )
    const timer = setTimeout(
      () =>
        fail(
          hostError(
            'HOST_CONNECT_TIMEOUT',
            `${protocol.name} to ${formatAddress(address)}: no connection within ${connectTimeoutMs} ms`,
          ),
        ),
      connectTimeoutMs,
    )
    const onConnect = (): void => {
      cleanUp()
      resolve(new Connection(socket, protocol, options.connection))
    }
    const cleanUp = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.on('error', onError)
    socket.once(options.tls ? 'secureConnect' : 'connect', onConnect)
  })
}

function openSocket(address: Address, tls: TlsOptions | undefined): Socket {
  if (tls === undefined) return connectTcp({ host: address.host, port: address.port, noDelay: true })
  const serverName = tls.serverName ?? (isIP(address.host) ? undefined : address.host)
  return connectTls({
    host: address.host,
    port: address.port,
    ...(tls.ca !== undefined && { ca: toPem(tls.ca) }),
    ...(tls.cert !== undefined && { cert: toPem(tls.cert) }),
    ...(tls.key !== undefined && { key: toPem(tls.key) }),
    ...(serverName !== undefined && { servername: serverName }),
  })
}

function toPem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}
