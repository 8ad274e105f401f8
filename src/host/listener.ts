import { createServer, type Server } from 'node:net'
import { wholeNumberOption } from '../base/index.ts'
import { type Address, formatAddress } from './address.ts'
import type { Connection } from './connection.ts'
import { hostError } from './errors.ts'
import { type ListenerOptions, resolveListenerOptions } from './listener-options.ts'
import { type ListenerStatistics, Reception } from './reception.ts'

export interface ListenerCloseOptions {
  /** Time for what is under way, ms; then the rest is cut. Default 10 000. */
  readonly drainTimeoutMs?: number
}

const DRAIN_TIMEOUT_MS_DEFAULT = 10_000

/** The one listener: accepts connections of one or several protocols on a port, and drains them. */
export class Listener {
  readonly address: Address
  readonly #server: Server
  readonly #reception: Reception
  #closing: Promise<void> | undefined

  private constructor(address: Address, server: Server, reception: Reception) {
    this.address = address
    this.#server = server
    this.#reception = reception
  }

  /** Throws OPTION_*, HOST_EXPOSED, HOST_TLS_INVALID, HOST_ADDRESS_IN_USE and HOST_LISTEN_FAILED. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const resolved = resolveListenerOptions(options)
    const reception = new Reception(resolved)
    const server = createServer({ noDelay: true }, reception.accept)
    await listen(server, resolved)
    const bound = server.address()
    const port = bound !== null && typeof bound === 'object' ? bound.port : resolved.port
    return new Listener({ host: resolved.host, port }, server, reception)
  }

  get connections(): ReadonlySet<Connection> {
    return this.#reception.connections
  }

  get statistics(): ListenerStatistics {
    return this.#reception.statistics
  }

  /**
   * Stops accepting, lets every connection finish what is under way, and cuts those that take longer than
   * `drainTimeoutMs`. Sockets that are no connection yet are closed at once. Resolves when all are gone.
   */
  close(options: ListenerCloseOptions = {}): Promise<void> {
    const { drainTimeoutMs } = options
    const limitMs = wholeNumberOption('close', 'drainTimeoutMs', drainTimeoutMs, DRAIN_TIMEOUT_MS_DEFAULT, 0)
    this.#closing ??= this.#drain(limitMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #drain(limitMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#reception.drain()
    const cut = setTimeout(() => this.#reception.cut(), limitMs)
    try {
      await closed
      await this.#reception.empty()
    } finally {
      clearTimeout(cut)
    }
  }
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const code = cause.code === 'EADDRINUSE' ? 'HOST_ADDRESS_IN_USE' : 'HOST_LISTEN_FAILED'
      const advice = ADVICE[cause.code ?? ''] ?? cause.message
      reject(hostError(code, `cannot listen on ${formatAddress(address)}: ${advice}`, { cause }))
    }
    server.once('error', failed)
    server.listen(address.port, address.host, () => {
      server.off('error', failed)
      // Accepting failed once (such as for want of file descriptors): the listener goes on.
      server.on('error', (error) => process.emitWarning(error))
      resolve()
    })
  })
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; use another port, or 0 for a free one',
  EACCES: 'this user may not use that port; take one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name does not resolve',
}
