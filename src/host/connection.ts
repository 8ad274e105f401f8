import type { Socket } from 'node:net'
import { assert, type FenbuError, isFenbuError } from '../base/index.ts'
import type { ByteWriter } from '../bytes/index.ts'
import {
  type ConnectionOptions,
  type ResolvedConnectionOptions,
  resolveConnectionOptions,
} from './connection-options.ts'
import { type HostErrorCode, hostError } from './errors.ts'
import { FrameReader } from './frame-reader.ts'
import { linger } from './linger.ts'
import type { BudgetShare } from './memory-budget.ts'
import { Outbox } from './outbox.ts'
import { certifiedName } from './peer-name.ts'
import type { ConnectionHandler, Protocol } from './protocol.ts'
import { describeExpiry, type Vitals, Watchdog } from './watchdog.ts'

/** After this many frames of one peer the others of the process get their turn. */
const FRAMES_PER_TURN = 2048

/** Counters of one connection since it was made. */
export interface ConnectionStatistics {
  bytesReceived: number
  /** Bytes handed to the socket, and in how many writes. */
  bytesSent: number
  writes: number
  framesReceived: number
  /** Monotonic ms of the last byte received. */
  lastReceivedMs: number
}

/**
 * The one framed connection: every protocol of fenbu runs on it, as server and as client, over TCP or TLS.
 * It cuts the byte stream into frames under limits of size and time, gathers what is written during a turn of the
 * event loop into one slab and one system call, stops reading from a peer that does not read, and ends in exactly
 * one call of `closed`. See docs/internals/connection.md.
 */
export class Connection {
  readonly statistics: ConnectionStatistics
  readonly remoteHost: string
  /** `host:port` for messages. */
  readonly remoteAddress: string
  readonly #socket: Socket
  readonly #protocol: Protocol
  readonly #options: ResolvedConnectionOptions
  readonly #reader: FrameReader
  readonly #receiveShare: BudgetShare
  readonly #outbox: Outbox
  readonly #watchdog: Watchdog
  #handler: ConnectionHandler | undefined
  /** `ending`: this side said its last word and reads no more; the handler is told once the socket is gone. */
  #state: 'open' | 'ending' | 'closed' = 'open'
  #closeReason: FenbuError | undefined
  #delivering = false
  #framesThisTurn = 0
  #readingPaused = false
  /** The handler asked for no more frames. */
  #held = false
  #nextTurn: NodeJS.Immediate | undefined

  /** @internal Node's types stay out of the published declarations. */
  constructor(socket: Socket, protocol: Protocol, options: ConnectionOptions = {}) {
    this.#socket = socket
    this.#protocol = protocol
    this.#options = resolveConnectionOptions(options)
    this.remoteHost = socket.remoteAddress ?? 'unknown'
    this.remoteAddress = `${this.remoteHost}:${socket.remotePort ?? 0}`
    this.statistics = {
      bytesReceived: 0,
      bytesSent: 0,
      writes: 0,
      framesReceived: 0,
      lastReceivedMs: performance.now(),
    }
    const { receiveBudget, sendBudget } = this.#options
    this.#reader = new FrameReader(protocol, this.#options.maxFrameBytes)
    this.#receiveShare = receiveBudget.share(() => this.#overBudget('receiveBudget', receiveBudget.maxBytes))
    this.#outbox = new Outbox(
      socket,
      this.#options,
      this.statistics,
      sendBudget.share(() => this.#overBudget('sendBudget', sendBudget.maxBytes)),
      { changed: () => this.#sendingChanged(), overflowed: (bytes) => this.#overflowed(bytes) },
    )
    this.#watchdog = new Watchdog(
      this.#options,
      () => this.#vitals(),
      (code, limitMs) => this.#destroyAs(code, describeExpiry(code, limitMs)),
      () => this.#outbox.shrink(),
    )
    this.#attach(socket)
  }

  /**
   * Starts delivering frames, first of all those in `firstBytes`, which were read to recognise the protocol.
   * Called once. On a connection that is already gone, `closed` follows in the next turn.
   */
  start(handler: ConnectionHandler, firstBytes?: Uint8Array): void {
    assert(this.#handler === undefined, 'a connection is started once')
    this.#handler = handler
    if (this.#state === 'closed') {
      process.nextTick(() => this.#tellClosed())
      return
    }
    this.#socket.on('data', this.#receive)
    if (firstBytes !== undefined && firstBytes.length > 0) this.#receive(firstBytes)
  }

  /** The handshake is over: the handshake time-out no longer applies. `idleTimeoutMs` may be set anew. */
  established(idleTimeoutMs?: number): void {
    if (this.#state === 'open') this.#watchdog.established(idleTimeoutMs)
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** Why the connection closed; undefined while it has not. */
  get closeReason(): FenbuError | undefined {
    return this.#closeReason
  }

  /** Whom the peer's certificate names (its common name); undefined without one that was accepted. */
  get peerName(): string | undefined {
    return certifiedName(this.#socket)
  }

  /** Bytes written by the protocol that the operating system has not taken yet. */
  get unsentBytes(): number {
    return this.#outbox.unsentBytes
  }

  /** True from more than `pauseReadingBytes` unsent until half of them left; then the handler is told `writable`. */
  get choked(): boolean {
    return this.#outbox.choked
  }

  /** After the present frame no other is delivered until `resume`: the handler has as much as it can take. */
  pause(): void {
    this.#held = true
    if (this.#state === 'open' && !this.#delivering) this.#settle()
  }

  resume(): void {
    this.#held = false
    if (this.#state === 'open' && !this.#delivering) this.#settle()
  }

  /**
   * The write slab: append whole frames, nothing else, and ask for it anew in every turn. It leaves once per turn, in
   * one piece, by itself. After the connection ended, what is written is dropped.
   */
  get writer(): ByteWriter {
    return this.#outbox.writer(this.#delivering)
  }

  /** Sends the slab now instead of at the end of the turn. */
  flush(): void {
    this.#outbox.flush()
  }

  /** Asks the handler to finish what is under way; it ends the connection. */
  drain(): void {
    if (this.#state !== 'open') return
    if (this.#handler?.drain) this.#guard(() => this.#handler?.drain?.())
    else this.end()
  }

  /**
   * Sends what is written, then closes; frames that still arrive are dropped. `closed` is called with
   * `HOST_CONNECTION_CLOSED` once the socket is gone: the peer has a second to close its side.
   */
  end(): void {
    if (this.#state !== 'open') return
    this.#stopReading()
    this.#watchdog.ending()
    this.#outbox.end()
    if (this.#outbox.unsentBytes === 0) this.#linger()
  }

  /** Closes because a handler threw where no frame can be refused: a bug, told to the operator. */
  fail(error: unknown): void {
    this.#reportBug(error)
    const what = `${this.#protocol.name} handler failed: ${String(error)}`
    this.destroy(hostError('HOST_INTERNAL', what, { cause: error }))
  }

  /** Closes at once; unsent bytes are lost. `closed` is called with the error before this returns. */
  destroy(error?: FenbuError): void {
    this.#socket.destroy()
    this.#outbox.close()
    this.#close(
      error ?? hostError('HOST_CONNECTION_CLOSED', `${this.#protocol.name} connection closed by this side`),
    )
  }

  #attach(socket: Socket): void {
    socket.setNoDelay(true)
    // Otherwise Node ends our side with the peer's, before the replies to its last frames have left.
    socket.allowHalfOpen = true
    socket.on('error', (cause: Error) => this.#lost(cause))
    socket.on('end', () => this.#peerEnded())
    socket.on('close', () => {
      this.#lost(undefined)
      this.#outbox.close()
    })
  }

  readonly #receive = (chunk: Uint8Array): void => {
    if (this.#state !== 'open') return
    this.statistics.bytesReceived += chunk.length
    this.statistics.lastReceivedMs = performance.now()
    this.#deliver(chunk)
  }

  /** One turn of this peer: frames of the chunk, or of what an earlier turn left. */
  #deliver(chunk: Uint8Array | undefined): void {
    this.#delivering = true
    this.#framesThisTurn = 0
    try {
      if (chunk === undefined) this.#reader.resume(this.#take)
      else this.#reader.add(chunk, this.#take)
      if (this.#framesThisTurn > 0 && this.#state === 'open') this.#handler?.batchEnd?.()
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#delivering = false
    }
    if (this.#state !== 'open') return
    if (this.#framesThisTurn > 0) this.#receiveShare.release()
    this.#receiveShare.hold(this.#reader.pendingBytes)
    this.#settle()
  }

  readonly #take = (bytes: Uint8Array, start: number, end: number): boolean => {
    this.statistics.framesReceived++
    this.#framesThisTurn++
    this.#handler!.frame(bytes, start, end)
    this.#outbox.relieve()
    return this.#state === 'open' && this.#framesThisTurn < FRAMES_PER_TURN && !this.#stalled
  }

  /** Frames are not to be delivered: their replies would find no room, or their handler none for them. */
  get #stalled(): boolean {
    return this.#held || this.#outbox.choked
  }

  /** Reads on, or stops reading while the peer does not read or while its frames wait for their turn. */
  #settle(): void {
    const waiting = this.#reader.stopped
    const paused = waiting || this.#stalled
    if (paused !== this.#readingPaused) {
      this.#readingPaused = paused
      if (paused) this.#socket.pause()
      else this.#socket.resume()
    }
    if (waiting && !this.#stalled) this.#nextTurn ??= setImmediate(this.#takeTurn)
  }

  readonly #takeTurn = (): void => {
    this.#nextTurn = undefined
    if (this.#state === 'open' && !this.#stalled) this.#deliver(undefined)
  }

  #sendingChanged(): void {
    if (this.#state === 'ending') {
      if (this.#outbox.unsentBytes === 0) this.#linger()
    } else if (this.#state === 'open' && !this.#delivering) {
      this.#settle()
      if (!this.#outbox.choked) this.#tellWritable()
    }
  }

  #tellWritable(): void {
    try {
      this.#handler?.writable?.()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Frames that come from now on are dropped; they are still read, see `linger`. */
  #stopReading(): void {
    this.#state = 'ending'
    this.#reader.close()
    this.#receiveShare.release()
    this.#socket.resume()
  }

  /** The peer sent its last byte. What was answered already leaves; a peer that waits for more is gone to us. */
  #peerEnded(): void {
    const partial = this.#reader.pendingBytes > 0
    if (this.#state !== 'open') return
    this.#sayLastWord(
      () => {},
      this.#lossOf(partial ? 'closed by the peer inside a frame' : 'closed by the peer'),
    )
  }

  #refuse(error: unknown): void {
    if (!isFenbuError(error)) this.fail(error)
    else if (this.#state === 'open') this.#sayLastWord(() => this.#handler?.refused?.(error), error)
  }

  /** What is written by now still leaves if the peer reads it; the handler is told at once. */
  #sayLastWord(speak: () => void, reason: FenbuError): void {
    this.#stopReading()
    this.#guard(speak)
    this.#outbox.end()
    this.#linger()
    this.#close(reason)
  }

  #linger(): void {
    linger(this.#socket, () => this.#outbox.takenBytes)
  }

  #lost(cause: Error | undefined): void {
    if (this.#state === 'closed') return
    if (this.#state === 'ending')
      this.#close(hostError('HOST_CONNECTION_CLOSED', `${this.#name()}: ended by this side`, { cause }))
    else this.#close(this.#lossOf(cause?.message ?? 'closed', cause))
  }

  #lossOf(why: string, cause?: Error): FenbuError {
    return hostError('HOST_CONNECTION_LOST', `${this.#name()}: ${why}`, { cause })
  }

  #overflowed(unsentBytes: number): void {
    const what = `left ${unsentBytes} bytes unread; maxUnsentBytes is ${this.#options.maxUnsentBytes}`
    this.#destroyAs('HOST_SLOW_READER', what)
  }

  #overBudget(name: string, maxBytes: number): void {
    const what = `all peers together hold more than the ${maxBytes} bytes of ${name}, and this one the longest`
    this.#destroyAs('HOST_OVER_BUDGET', what)
  }

  #destroyAs(code: HostErrorCode, what: string): void {
    this.destroy(hostError(code, `${this.#name()}: ${what}`))
  }

  #close(reason: FenbuError): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closeReason = reason
    this.#watchdog.stop()
    clearImmediate(this.#nextTurn)
    this.#reader.close()
    this.#receiveShare.release()
    this.#tellClosed()
  }

  #tellClosed(): void {
    const handler = this.#handler
    if (handler && this.#closeReason) this.#guard(() => handler.closed(this.#closeReason!))
  }

  /** For calls of the handler whose failure changes nothing any more. */
  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#reportBug(error)
    }
  }

  #reportBug(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error))
  }

  #name(): string {
    return `${this.#protocol.name} connection to ${this.remoteAddress}`
  }

  #vitals(): Vitals {
    return {
      bytesReceived: this.statistics.bytesReceived,
      framesReceived: this.statistics.framesReceived,
      awaitingFrame: this.#reader.pendingBytes > 0,
      readingPaused: this.#readingPaused,
      takenBytes: this.#outbox.takenBytes,
      unsentBytes: this.#outbox.unsentBytes,
    }
  }
}
