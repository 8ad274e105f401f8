import type { Socket } from 'node:net'
import type { HostErrorCode } from './errors.ts'
import { Watchdog } from './watchdog.ts'

/**
 * A socket between its acceptance and its becoming a connection: TLS handshake, then the first bytes that tell its
 * protocol. It ends in exactly one of `arrived` and `refuse`.
 */
export class Arrival {
  readonly #socket: Socket
  readonly #watchdog: Watchdog
  readonly #refused: (code: HostErrorCode) => void
  #over = false
  #secured: boolean

  constructor(socket: Socket, tls: boolean, timeoutMs: number, refused: (code: HostErrorCode) => void) {
    this.#socket = socket
    this.#secured = !tls
    this.#refused = refused
    this.#watchdog = Watchdog.ofHandshake(
      timeoutMs,
      () => socket.bytesRead,
      () => this.refuse('HOST_HANDSHAKE_TIMEOUT'),
    )
    this.#watch(socket)
  }

  /** The TLS handshake is done; `socket` is what the protocol speaks over. */
  secured(socket: Socket): void {
    this.#secured = true
    this.#watch(socket)
  }

  /** The socket is a connection now. False if it was refused meanwhile. */
  arrived(): boolean {
    if (this.#over) return false
    this.#end()
    return true
  }

  refuse(code: HostErrorCode): void {
    if (this.#over) return
    this.#end()
    this.#socket.destroy()
    this.#refused(code)
  }

  /** Whatever happens to the socket concerns this peer alone. */
  #watch(socket: Socket): void {
    const lost = (): void => this.refuse(this.#secured ? 'HOST_CONNECTION_LOST' : 'HOST_TLS_FAILED')
    socket.on('error', lost)
    socket.once('end', lost)
    socket.once('close', lost)
  }

  #end(): void {
    this.#over = true
    this.#watchdog.stop()
  }
}
