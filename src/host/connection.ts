import type { Socket } from 'node:net'
import { FenbuError } from '../base/index.ts'
import { ByteWriter } from '../bytes/index.ts'
import {
  type ConnectionOptions,
  type ResolvedConnectionOptions,
  resolveConnectionOptions,
} from './connection-options.ts'
import { hostError } from './errors.ts'
import type { ConnectionHandler, Protocol } from './protocol.ts'
import { ReceiveBuffer } from './receive-buffer.ts'
import { Watchdog } from './watchdog.ts'

/** After this many frames of one chunk the others of the process get their turn. */
const FRAMES_PER_TURN = 2048
const SLAB_BYTES_MIN = 1024
const SLAB_BYTES_MAX = 64 * 1024

/** Counters of one connection since it was made. */
export interface ConnectionStatistics {
  bytesReceived: number
  bytesSent: number
  framesReceived: number
  /** Monotonic ms of the last byte received. */
  lastReceivedMs: number
}

/**
 * The one framed connection: every protocol of fenbu runs on it, as server and as client, over TCP or TLS.
 * It cuts the byte stream into frames under limits of size and time, gathers what is written during a turn of the
 * event loop into one slab and one system call, stops reading from a peer that does not read, and ends in exactly
 * one call of `closed`.
 */
export class Connection {
  readonly statistics: ConnectionStatistics
  readonly #socket: Socket
  readonly #protocol: Protocol
  readonly #options: ResolvedConnectionOptions
  readonly #watchdog: Watchdog
  readonly #received = new ReceiveBuffer()
  #slab = new ByteWriter(SLAB_BYTES_MIN)
  #handler: ConnectionHandler | undefined
  #needed = 0
  #flushScheduled = false
  #paused = false
  #reading = false
  #ending = false
  #closed = false

  constructor(socket: Socket, protocol: Protocol, options: ConnectionOptions = {}) {
    this.#socket = socket
    this.#protocol = protocol
    this.#options = resolveConnectionOptions(options)
    this.statistics = { bytesReceived: 0, bytesSent: 0, framesReceived: 0, lastReceivedMs: performance.now() }
    this.#watchdog = new Watchdog(this.#options, this.statistics, (error) => this.destroy(error))
    socket.setNoDelay(true)
    socket.on('error', (cause: Error) => this.#lost(cause))
    socket.on('close', () => this.#lost(undefined))
    socket.on('drain', () => this.#resumeReading())
  }

  /** Starts delivering frames, first of all those in `firstBytes`, which were read to recognise the protocol. */
  start(handler: ConnectionHandler, firstBytes?: Uint8Array): void {
    this.#handler = handler
    this.#socket.on('end', () => this.#lost(undefined))
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    if (firstBytes !== undefined && firstBytes.length > 0) this.#receive(firstBytes)
  }

  /** The handshake is over: the handshake time-out no longer applies. `idleTimeoutMs` may be set anew. */
  established(idleTimeoutMs?: number): void {
    this.#watchdog.established(idleTimeoutMs)
  }

  get remoteAddress(): string {
    return `${this.#socket.remoteAddress ?? 'unknown'}:${this.#socket.remotePort ?? 0}`
  }

  get remoteHost(): string {
    return this.#socket.remoteAddress ?? 'unknown'
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Bytes written by the protocol that the operating system has not taken yet. */
  get unsentBytes(): number {
    return this.#slab.length + this.#socket.writableLength
  }

  /**
   * The write slab: append whole frames, nothing else. It leaves once per turn, in one piece, by itself.
   * After the connection closed, what is written is dropped.
   */
  get writer(): ByteWriter {
    if (!this.#flushScheduled) this.#scheduleFlush()
    return this.#slab
  }

  /** Sends the slab now instead of at the end of the turn. */
  flush(): void {
    this.#flushScheduled = false
    const length = this.#slab.length
    if (this.#closed || length === 0) {
      this.#slab.reset()
      return
    }
    const bytes = this.#slab.take(Math.min(Math.max(length, SLAB_BYTES_MIN), SLAB_BYTES_MAX))
    this.statistics.bytesSent += length
    this.#socket.write(bytes)
    const unsent = this.#socket.writableLength
    if (unsent > this.#options.maxUnsentBytes)
      this.destroy(
        hostError(
          'HOST_SLOW_READER',
          `${this.#protocol.name} peer ${this.remoteAddress} left ${unsent} bytes unread; the bound is ${this.#options.maxUnsentBytes}`,
        ),
      )
    else if (unsent > this.#options.pauseReadingBytes) this.#pauseReading()
  }

  /** Asks the handler to finish what is under way; it ends the connection. */
  drain(): void {
    if (this.#closed) return
    if (this.#handler?.drain) this.#handler.drain()
    else this.end()
  }

  /** Sends what is written, then closes. `closed` is called with `HOST_CONNECTION_CLOSED`. */
  end(): void {
    if (this.#closed || this.#ending) return
    this.flush()
    this.#ending = true
    this.#socket.end()
  }

  /** Closes at once; unsent bytes are lost. `closed` is called with the error. */
  destroy(error?: FenbuError): void {
    this.#close(
      error ?? hostError('HOST_CONNECTION_CLOSED', `${this.#protocol.name} connection closed by this side`),
    )
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closed) return
    this.statistics.bytesReceived += chunk.length
    this.statistics.lastReceivedMs = performance.now()
    if (this.#received.length > 0) {
      this.#received.add(chunk)
      if (this.#received.length < this.#needed) return
      this.#deliver(this.#received.take())
    } else this.#deliver(chunk)
  }

  #deliver(bytes: Uint8Array): void {
    const handler = this.#handler
    if (handler === undefined) return
    this.#reading = true
    let at = 0
    let frames = 0
    this.#needed = 0
    try {
      while (at < bytes.length && !this.#closed && frames < FRAMES_PER_TURN && !this.#ending) {
        const length = this.#protocol.frameLength(bytes, at, bytes.length)
        if (length > this.#options.maxFrameBytes) throw this.#tooLarge(length)
        if (length === 0 || at + length > bytes.length) {
          this.#needed = length
          break
        }
        handler.frame(bytes, at, at + length)
        at += length
        frames++
      }
      this.statistics.framesReceived += frames
      if (!this.#closed && frames > 0) handler.batchEnd?.()
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#reading = false
    }
    if (!this.#closed) this.#keep(bytes, at, frames)
  }

  #keep(bytes: Uint8Array, at: number, frames: number): void {
    if (at < bytes.length && !this.#ending) this.#received.add(bytes.subarray(at))
    this.#watchdog.partialFrame(this.#received.length > 0)
    if (frames < FRAMES_PER_TURN || this.#received.length === 0) return
    this.#socket.pause()
    setImmediate(() => {
      if (this.#closed) return
      if (!this.#paused) this.#socket.resume()
      this.#deliver(this.#received.take())
    })
  }

  #tooLarge(length: number): FenbuError {
    return hostError(
      'HOST_FRAME_TOO_LARGE',
      `${this.#protocol.name} frame of ${length} bytes from ${this.remoteAddress}; the limit is ${this.#options.maxFrameBytes}`,
    )
  }

  #refuse(error: unknown): void {
    if (this.#closed) return
    if (!(error instanceof FenbuError)) {
      const bug = hostError('HOST_INTERNAL', `${this.#protocol.name} handler failed: ${String(error)}`, {
        cause: error,
      })
      process.emitWarning(error instanceof Error ? error : String(error))
      this.destroy(bug)
      return
    }
    this.#handler?.refused?.(error)
    this.flush()
    // The last word leaves if the peer reads; the socket is gone either way.
    this.#ending = true
    this.#socket.end()
    this.#close(error)
  }

  #scheduleFlush(): void {
    this.#flushScheduled = true
    // While frames are being handled, replies of promises come a little later: wait for the end of the poll phase.
    if (this.#reading) setImmediate(() => this.flush())
    else process.nextTick(() => this.flush())
  }

  #pauseReading(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  #resumeReading(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  #lost(cause: Error | undefined): void {
    if (this.#closed) return
    const code = this.#ending ? 'HOST_CONNECTION_CLOSED' : 'HOST_CONNECTION_LOST'
    const why = cause === undefined ? 'closed by the peer' : cause.message
    this.#close(
      hostError(
        code,
        `${this.#protocol.name} connection to ${this.remoteAddress} ${this.#ending ? 'closed' : `lost: ${why}`}`,
        { cause },
      ),
    )
  }

  #close(reason: FenbuError): void {
    if (this.#closed) return
    this.#closed = true
    this.#watchdog.stop()
    this.#received.take()
    if (this.#ending) this.#socket.destroySoon()
    else this.#socket.destroy()
    this.#handler?.closed(reason)
  }
}
