import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type Address, formatAddress, isLoopback } from './address.ts'
import { Connection } from './connection.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { hostError } from './errors.ts'
import type { Service } from './protocol.ts'
import { recogniseService } from './recognise.ts'
import type { TlsOptions } from './tls.ts'

export interface ListenerOptions {
  /** Default 127.0.0.1. Anything wider needs client certificates, `authenticated`, or `insecure`. */
  readonly host?: string
  /** 0 chooses a free port. */
  readonly port: number
  readonly services: readonly Service[]
  readonly tls?: TlsOptions
  /** The services authenticate every peer themselves. */
  readonly authenticated?: boolean
  /** Listen beyond this machine without authentication. */
  readonly insecure?: boolean
  /** Connections above this are closed at once. Default 10 000. */
  readonly maxConnections?: number
  readonly connection?: ConnectionOptions
}

const MAX_CONNECTIONS_DEFAULT = 10_000

/** The one listener: accepts connections of one or several protocols on a port, and drains them. */
export class Listener {
  readonly address: Address
  readonly #server: Server
  readonly #connections: Set<Connection>
  #closing: Promise<void> | undefined

  private constructor(address: Address, server: Server, connections: Set<Connection>) {
    this.address = address
    this.#server = server
    this.#connections = connections
  }

  static async open(options: ListenerOptions): Promise<Listener> {
    const host = options.host ?? '127.0.0.1'
    checkExposure(host, options)
    const connections = new Set<Connection>()
    const accept = (socket: Socket): void => acceptSocket(socket, options, connections)
    const server = options.tls ? tlsServer(options.tls, accept) : createServer({ noDelay: true }, accept)
    server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS_DEFAULT
    await listen(server, { host, port: options.port })
    const bound = server.address()
    const port = bound !== null && typeof bound === 'object' ? bound.port : options.port
    return new Listener({ host, port }, server, connections)
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  /**
   * Stops accepting, lets every connection finish what is under way, and cuts those that take longer than
   * `drainTimeoutMs` (default 10 000).
   */
  close(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#drain(options.drainTimeoutMs ?? 10_000)
    return this.#closing
  }

  async #drain(drainTimeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.drain()
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, drainTimeoutMs)
    try {
      await closed
    } finally {
      clearTimeout(cut)
    }
  }
}

function acceptSocket(socket: Socket, options: ListenerOptions, connections: Set<Connection>): void {
  recogniseService(socket, options.services, (service, firstBytes) => {
    const connection = new Connection(socket, service.protocol, options.connection)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
    connection.start(service.accept(connection), firstBytes)
  })
}

function tlsServer(tls: TlsOptions, accept: (socket: Socket) => void): Server {
  const server = createTlsServer(
    {
      ...(tls.ca !== undefined && { ca: Buffer.from(tls.ca) }),
      ...(tls.cert !== undefined && { cert: Buffer.from(tls.cert) }),
      ...(tls.key !== undefined && { key: Buffer.from(tls.key) }),
      requestCert: tls.requireClientCertificate ?? false,
      rejectUnauthorized: tls.requireClientCertificate ?? false,
      handshakeTimeout: 5_000,
    },
    accept,
  )
  // A failed handshake concerns that peer alone; its socket is already destroyed.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

/** A server that anyone can reach and nobody has to identify to is a decision, not a default. */
function checkExposure(host: string, options: ListenerOptions): void {
  if (isLoopback(host) || options.insecure || options.authenticated || options.tls?.requireClientCertificate)
    return
  throw hostError(
    'HOST_EXPOSED',
    `refusing to listen on ${host}: nothing authenticates the peers. Listen on 127.0.0.1, require client certificates or authentication, or allow it with insecure: true (--insecure)`,
  )
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'HOST_ADDRESS_IN_USE' : 'HOST_LISTEN_FAILED'
      const advice =
        code === 'HOST_ADDRESS_IN_USE'
          ? 'another process listens there; use another port, or 0 for a free one'
          : cause.message
      reject(hostError(code, `cannot listen on ${formatAddress(address)}: ${advice}`, { cause }))
    })
    server.listen(address.port, address.host, () => resolve())
  })
}
