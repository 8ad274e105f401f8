import { type FenbuError, isFenbuError } from '../../base/index.ts'
import { type Address, type Connection, dial, formatAddress } from '../../host/index.ts'
import { outsideCalls } from '../call-context.ts'
import { rpcError } from '../core/index.ts'
import { rpcProtocol } from '../protocol.ts'
import type { ResolvedClientOptions } from './options.ts'

/** First pause before connecting again, ms; each failure doubles it, and half of it is random. */
const RECONNECT_MS_MIN = 50
const RECONNECT_MS_MAX = 5_000

/** What a dialler tells its channel. */
export interface DiallerOwner {
  /** There is a connection; the owner says `succeeded` or `failed` when its handshake is over. */
  onConnection(connection: Connection): void
  /** No connection, or no handshake on it. */
  onUnreachable(error: FenbuError): void
  /** A pause is over: dial if anyone still wants to. */
  onPauseOver(): void
}

/** Makes connections to one address: one at a time, and with growing pauses while it fails. */
export class Dialler {
  readonly #address: Address
  readonly #options: ResolvedClientOptions
  readonly #random: () => number
  readonly #owner: DiallerOwner
  readonly #abort = new AbortController()
  #dialling = false
  #failures = 0
  #pause: NodeJS.Timeout | undefined
  #lastFailure: { readonly error: FenbuError; readonly atMs: number } | undefined

  constructor(address: Address, options: ResolvedClientOptions, random: () => number, owner: DiallerOwner) {
    this.#address = address
    this.#options = options
    this.#random = random
    this.#owner = owner
  }

  get state(): 'idle' | 'connecting' | 'waiting' {
    if (this.#dialling) return 'connecting'
    return this.#pause === undefined ? 'idle' : 'waiting'
  }

  /** Connects, unless it does already, pauses, or was closed. */
  dial(): void {
    if (this.#dialling || this.#pause !== undefined || this.#abort.signal.aborted) return
    this.#dialling = true
    const { connectTimeoutMs, maxFrameBytes, tls } = this.#options
    const options = {
      connectTimeoutMs,
      signal: this.#abort.signal,
      connection: { maxFrameBytes, handshakeTimeoutMs: connectTimeoutMs },
      ...(tls !== undefined && { tls }),
    }
    // A socket keeps the context that it was made in: the handler that happens to call first must not be it.
    outsideCalls(() => dial(this.#address, rpcProtocol, options)).then(
      (connection) => this.#owner.onConnection(connection),
      (error: unknown) => this.failed(error),
    )
  }

  succeeded(): void {
    this.#dialling = false
    this.#failures = 0
    this.#lastFailure = undefined
  }

  failed(cause: unknown): void {
    this.#dialling = false
    if (this.#abort.signal.aborted) return
    const error = unreachable(formatAddress(this.#address), cause)
    this.#lastFailure = { error, atMs: performance.now() }
    this.pause()
    this.#owner.onUnreachable(error)
  }

  /** Tells the owner after a pause. It keeps no process alive: calls that wait do that by their deadlines. */
  pause(): void {
    if (this.#pause !== undefined || this.#abort.signal.aborted) return
    const lengthMs = Math.min(RECONNECT_MS_MIN * 2 ** this.#failures, RECONNECT_MS_MAX)
    this.#failures++
    const delayMs = lengthMs / 2 + (this.#random() / 0x1_0000_0000) * (lengthMs / 2)
    outsideCalls(() => {
      this.#pause = setTimeout(() => {
        this.#pause = undefined
        this.#owner.onPauseOver()
      }, delayMs)
      this.#pause.unref()
    })
  }

  /**
   * A call is waiting: ends the pause. If the last attempt failed only a moment ago, its error is returned instead,
   * so that the call looks elsewhere at once.
   */
  hasten(): FenbuError | undefined {
    if (this.#pause === undefined) return undefined
    const failure = this.#lastFailure
    if (failure && performance.now() - failure.atMs < RECONNECT_MS_MIN) return failure.error
    clearTimeout(this.#pause)
    this.#pause = undefined
    return undefined
  }

  close(reason: FenbuError): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
    this.#abort.abort(reason)
  }
}

function unreachable(name: string, cause: unknown): FenbuError {
  // A disagreement of versions or codecs is said as such: connecting again does not help.
  if (isFenbuError(cause) && (cause.code === 'RPC_VERSION_MISMATCH' || cause.code === 'RPC_CODEC_MISMATCH'))
    return rpcError(cause.code, `${name}: ${cause.message}`, { cause, outcome: 'not-executed' })
  const why = cause instanceof Error ? cause.message : String(cause)
  return rpcError('RPC_UNREACHABLE', `no connection to ${name}: ${why}`, { cause })
}
