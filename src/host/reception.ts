import type { Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { Admission } from './admission.ts'
import { Arrival } from './arrival.ts'
import { Connection } from './connection.ts'
import type { ResolvedListenerOptions } from './listener-options.ts'
import type { Service } from './protocol.ts'
import { recogniseService } from './recognise.ts'
import { serverTlsMaterial, type TlsOptions } from './tls.ts'

export interface ListenerStatistics {
  /** Sockets accepted so far. */
  readonly accepted: number
  /** Sockets open now. */
  readonly open: number
  /** How many ended, by the code of the reason: connections that closed and sockets that never became one. */
  readonly ended: ReadonlyMap<string, number>
}

/** Takes sockets in: counts them, secures them, finds their protocol, and makes connections of them. */
export class Reception {
  readonly connections: Set<Connection> = new Set()
  readonly #options: ResolvedListenerOptions
  readonly #admission: Admission
  readonly #arrivals = new Map<string, Arrival>()
  readonly #ended = new Map<string, number>()
  readonly #tls: TlsServer | undefined
  #accepted = 0
  #onEmpty: (() => void) | undefined

  constructor(options: ResolvedListenerOptions) {
    this.#options = options
    this.#admission = new Admission(options.maxConnections, options.maxConnectionsPerPeer)
    this.#tls = options.tls && this.#tlsServer(options.tls)
  }

  get statistics(): ListenerStatistics {
    return { accepted: this.#accepted, open: this.#admission.sockets.size, ended: this.#ended }
  }

  /** @internal Node's types stay out of the published declarations. */
  readonly accept = (socket: Socket): void => {
    this.#accepted++
    if (!this.#admission.admit(socket)) {
      socket.on('error', () => socket.destroy())
      socket.destroy()
      this.#count('HOST_TOO_MANY_CONNECTIONS')
      return
    }
    const { handshakeTimeoutMs } = this.#options.connection
    const arrival = new Arrival(socket, this.#tls !== undefined, handshakeTimeoutMs, (code) =>
      this.#count(code),
    )
    const key = endpoints(socket)
    this.#arrivals.set(key, arrival)
    socket.once('close', () => {
      this.#arrivals.delete(key)
      this.#checkEmpty()
    })
    if (this.#tls) this.#tls.emit('connection', socket)
    else this.#recognise(socket, arrival)
  }

  /** Connections finish what is under way; who is no connection yet becomes none. */
  drain(): void {
    for (const arrival of this.#arrivals.values()) arrival.refuse('HOST_CONNECTION_CLOSED')
    for (const connection of this.connections) connection.drain()
  }

  /** Resolves once all sockets are gone and all handlers were told. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve
      this.#checkEmpty()
    })
  }

  cut(): void {
    for (const connection of this.connections) connection.destroy()
    for (const socket of this.#admission.sockets) socket.destroy()
  }

  /** Does the handshakes of sockets that this listener accepted; it never listens itself. */
  #tlsServer(tls: TlsOptions): TlsServer {
    const required = tls.requireClientCertificate ?? false
    const server = createTlsServer({
      ...serverTlsMaterial(tls),
      requestCert: required,
      rejectUnauthorized: required,
    })
    server.on('secureConnection', (socket) => {
      const arrival = this.#arrivals.get(endpoints(socket))
      arrival?.secured(socket)
      if (arrival) this.#recognise(socket, arrival)
      else socket.destroy()
    })
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server
  }

  #recognise(socket: Socket, arrival: Arrival): void {
    recogniseService(socket, this.#options.services, {
      found: (service, firstBytes) => {
        if (arrival.arrived()) this.#connect(socket, service, firstBytes)
      },
      unknown: (error) => {
        if (error !== undefined) process.emitWarning(error instanceof Error ? error : String(error))
        arrival.refuse(error === undefined ? 'HOST_UNKNOWN_PROTOCOL' : 'HOST_INTERNAL')
      },
    })
  }

  #connect(socket: Socket, service: Service, firstBytes: Uint8Array | undefined): void {
    const connection = new Connection(socket, service.protocol, this.#options.connection)
    this.connections.add(connection)
    socket.once('close', () => {
      this.connections.delete(connection)
      this.#count(connection.closeReason?.code ?? 'HOST_INTERNAL')
      this.#checkEmpty()
    })
    try {
      connection.start(service.accept(connection), firstBytes)
    } catch (error) {
      connection.fail(error)
    }
  }

  #checkEmpty(): void {
    if (this.#admission.sockets.size === 0 && this.connections.size === 0) this.#onEmpty?.()
  }

  #count(code: string): void {
    this.#ended.set(code, (this.#ended.get(code) ?? 0) + 1)
  }
}

/** Names a socket among those of one listener; a TLS socket and the plain one below it have the same. */
function endpoints(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`
}
