import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { checkKnownOptions, shown, wholeNumberOption } from '../base/index.ts'
import { type Address, formatAddress, isDialable } from './address.ts'
import { describeConnectFailure } from './connect-failure.ts'
import { Connection } from './connection.ts'
import { type ConnectionOptions, resolveConnectionOptions } from './connection-options.ts'
import { hostError } from './errors.ts'
import type { Protocol } from './protocol.ts'
import { clientTlsMaterial, type TlsMaterial, type TlsOptions } from './tls.ts'
import { Watchdog } from './watchdog.ts'

export interface DialOptions {
  /** Time for the name look-up and the TCP and TLS handshakes, ms. Default 5 000. */
  readonly connectTimeoutMs?: number
  readonly tls?: TlsOptions
  /** Aborting closes the socket and rejects with the signal's reason. */
  readonly signal?: AbortSignal
  readonly connection?: ConnectionOptions
}

export const CONNECT_TIMEOUT_MS_DEFAULT = 5_000

const WHERE = 'dial'
const NAMES: readonly (keyof DialOptions)[] = ['connectTimeoutMs', 'tls', 'signal', 'connection']

/**
 * Opens a client connection. The caller calls `start` on it: until then nothing is read. Rejects with
 * HOST_CONNECT_FAILED, HOST_CONNECT_TIMEOUT, HOST_ADDRESS_INVALID, HOST_TLS_INVALID, OPTION_*, or the reason of the
 * signal.
 */
export async function dial(
  address: Address,
  protocol: Protocol,
  options: DialOptions = {},
): Promise<Connection> {
  checkKnownOptions(WHERE, options, NAMES)
  const { connectTimeoutMs, tls, signal } = options
  const limitMs = wholeNumberOption(
    WHERE,
    'connectTimeoutMs',
    connectTimeoutMs,
    CONNECT_TIMEOUT_MS_DEFAULT,
    1,
  )
  const connectionOptions = resolveConnectionOptions(options.connection)
  if (!isDialable(address))
    throw hostError('HOST_ADDRESS_INVALID', `${WHERE}: host ${shown(address.host)}, port ${address.port}`)
  signal?.throwIfAborted()
  const socket = tls === undefined ? openTcp(address) : openTls(address, tls, clientTlsMaterial(tls))
  return connected(socket, {
    event: tls === undefined ? 'connect' : 'secureConnect',
    limitMs,
    signal,
    target: `${protocol.name} to ${formatAddress(address)}`,
    made: () => new Connection(socket, protocol, connectionOptions),
  })
}

interface Attempt {
  readonly event: 'connect' | 'secureConnect'
  readonly limitMs: number
  readonly signal: AbortSignal | undefined
  /** What is connected to what, for messages. */
  readonly target: string
  /** Takes the socket over in the very turn of the event: an error a moment later must find a listener. */
  readonly made: () => Connection
}

/** Resolves on `event`; on anything else the socket is closed before the promise is rejected. */
function connected(socket: Socket, attempt: Attempt): Promise<Connection> {
  const { limitMs, signal, target } = attempt
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      watchdog.stop()
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('close', onClose)
    }
    const fail = (error: unknown): void => {
      finish()
      socket.on('error', () => socket.destroy())
      socket.destroy()
      reject(error)
    }
    const onAbort = (): void => fail(signal?.reason)
    const onError = (cause: Error): void =>
      fail(hostError('HOST_CONNECT_FAILED', `${target}: ${describeConnectFailure(cause)}`, { cause }))
    const onClose = (): void => fail(hostError('HOST_CONNECT_FAILED', `${target}: closed by the peer`))
    const onTimeout = (): void =>
      fail(hostError('HOST_CONNECT_TIMEOUT', `${target}: no connection within ${limitMs} ms`))
    const watchdog = Watchdog.ofHandshake(limitMs, () => socket.bytesRead, onTimeout)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.once(attempt.event, () => {
      finish()
      resolve(attempt.made())
    })
  })
}

function openTcp({ host, port }: Address): Socket {
  return connectTcp({ host, port, noDelay: true })
}

function openTls({ host, port }: Address, tls: TlsOptions, material: TlsMaterial): Socket {
  // An IP address is no server name (RFC 6066 §3); the certificate is checked against it all the same.
  const serverName = tls.serverName ?? (isIP(host) ? undefined : host)
  return connectTls({
    ...material,
    host,
    port,
    ...(serverName !== undefined && { servername: serverName }),
  })
}
