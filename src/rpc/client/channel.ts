import { type FenbuError, isFenbuError } from '../../base/index.ts'
import { Health } from '../../governance/index.ts'
import { type Address, dial, formatAddress } from '../../host/index.ts'
import { type Codec, type Hello, type LostCalls, rpcError } from '../core/index.ts'
import { rpcProtocol } from '../protocol.ts'
import { ClientConnection, type ConnectionOwner, type MethodName } from './client-connection.ts'
import type { Invocation } from './invocation.ts'
import type { ResolvedClientOptions } from './options.ts'

/** First pause between attempts to connect, ms; each failure doubles it, with a jitter of half of it. */
export const RECONNECT_MS_MIN = 50
export const RECONNECT_MS_MAX = 5_000

/** What all channels of a client share. */
export interface ChannelWorld {
  readonly options: ResolvedClientOptions
  readonly hello: Hello
  readonly codec: Codec
  /** A uniform integer below 2^32. */
  random(): number
}

/**
 * Everything between this client and one address: at most one connection that takes calls, made when the first
 * call needs it and made again after a loss while the address is listed; older ones that finish what they have; and
 * the calls that wait for a connection.
 */
export class Channel implements ConnectionOwner {
  readonly health: Health = new Health()
  readonly address: Address
  readonly name: string
  readonly #world: ChannelWorld
  readonly #abort = new AbortController()
  readonly #retiring = new Set<ClientConnection>()
  #current: ClientConnection | undefined
  #queue: { readonly call: Invocation; readonly method: MethodName }[] = []
  #dialling = false
  #failures = 0
  #retryTimer: NodeJS.Timeout | undefined
  /** The last attempt to connect, if it failed. */
  #lastFailure: { readonly error: FenbuError; readonly atMs: number } | undefined
  #used = false
  /** Instances listed at this address. */
  #listings = 0
  #closed = false

  constructor(address: Address, world: ChannelWorld) {
    this.address = address
    this.name = formatAddress(address)
    this.#world = world
  }

  get state(): 'idle' | 'connecting' | 'connected' | 'waiting' {
    if (this.#current !== undefined) return this.#current.spent ? 'connecting' : 'connected'
    if (this.#dialling) return 'connecting'
    return this.#retryTimer === undefined ? 'idle' : 'waiting'
  }

  /** Nobody lists the address and nothing is under way. */
  get idle(): boolean {
    return this.#listings === 0 && this.#queue.length === 0 && (this.#current?.pending ?? 0) === 0
  }

  listed(by: 1 | -1): void {
    this.#listings += by
  }

  /**
   * Writes the call, or keeps it until there is a connection. An address that could not be reached is tried again
   * for the call at once, but gives it back when that was only a moment ago: there may be other instances.
   * Throws `RPC_QUEUE_FULL`, `RPC_PAYLOAD_TOO_LARGE`.
   */
  send(call: Invocation, method: MethodName, nowMs: number): void {
    this.#used = true
    const current = this.#current
    if (current?.takesCalls && this.#queue.length === 0 && this.#write(current, call, method, nowMs)) return
    if (this.#queue.length >= this.#world.options.maxQueued)
      throw rpcError(
        'RPC_QUEUE_FULL',
        `${this.#queue.length} calls wait for ${this.name} already; maxQueued is ${this.#world.options.maxQueued}`,
      )
    const refusal = this.#hasten()
    if (refusal) {
      call.unsent(refusal, true)
      return
    }
    this.#queue.push({ call, method })
    this.#connect()
  }

  /** Takes a waiting call back; false if it is not waiting. */
  unqueue(call: Invocation): boolean {
    const at = this.#queue.findIndex((waiting) => waiting.call === call)
    if (at === -1) return false
    this.#queue.splice(at, 1)
    return true
  }

  /** Looks after connections that are silent; called now and then. */
  keepAlive(nowMs: number): void {
    const { keepaliveMs, keepaliveTimeoutMs } = this.#world.options
    const connection = this.#current
    if (connection === undefined) return
    if (!this.health.suspected && nowMs - connection.lastReceivedMs < keepaliveMs) return
    if (connection.probe(nowMs, keepaliveTimeoutMs))
      connection.destroy(
        rpcError('RPC_INSTANCE_SILENT', `${this.name} gave no sign of life for ${keepaliveTimeoutMs} ms`),
      )
  }

  /** Asks the peer for a sign of life now. */
  probe(): void {
    this.#current?.probe(performance.now(), this.#world.options.keepaliveTimeoutMs)
  }

  /** Lets everything go; calls under way fail. */
  close(reason: FenbuError): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#retryTimer)
    this.#abort.abort(reason)
    const waiting = this.#takeQueue()
    for (const { call } of waiting) call.unsent(reason, false)
    for (const connection of [this.#current, ...this.#retiring]) connection?.retire()
    this.#current = undefined
  }

  onReady(connection: ClientConnection): void {
    if (connection !== this.#current) return
    this.#dialling = false
    this.#failures = 0
    this.health.alive()
    this.onRoom(connection)
  }

  onAlive(): void {
    if (this.health.suspected && this.#current !== undefined) this.health.alive()
  }

  onRoom(connection: ClientConnection): void {
    if (connection !== this.#current) return
    while (this.#queue.length > 0 && connection.takesCalls) {
      const { call, method } = this.#queue.shift()!
      try {
        if (!this.#write(connection, call, method, performance.now())) {
          this.#queue.unshift({ call, method })
          this.#connect()
          return
        }
      } catch (error) {
        call.unsent(error as FenbuError, false)
      }
    }
  }

  onGoAway(connection: ClientConnection, refused: readonly Invocation[]): void {
    this.#letGo(connection)
    this.health.failed(performance.now())
    const error = rpcError('RPC_DRAINING', `${this.name} is about to stop`)
    for (const call of refused) call.refused(error)
    if (this.#queue.length > 0) this.#connect()
  }

  onClosed(connection: ClientConnection, reason: FenbuError, lost: LostCalls<Invocation>): void {
    this.#retiring.delete(connection)
    if (connection === this.#current) {
      this.#current = undefined
      const handshaking = this.#dialling
      this.#dialling = false
      if (reason.code !== 'HOST_CONNECTION_CLOSED' || lost.sent.length > 0)
        this.health.failed(performance.now())
      if (handshaking) this.#failed(reason)
      else if (!this.#closed && this.#listings > 0) this.#retryLater()
    }
    const error = rpcError(
      'RPC_CONNECTION_LOST',
      `the connection to ${this.name} is lost: ${reason.message}`,
      {
        cause: reason,
      },
    )
    for (const call of lost.unsent) call.unsent(notSent(this.name, reason), true)
    for (const call of lost.sent) call.lost(error)
  }

  #write(connection: ClientConnection, call: Invocation, method: MethodName, nowMs: number): boolean {
    const callId = connection.send(call, method, call.remainingMs(nowMs))
    if (callId !== 0) {
      call.sent(connection, callId)
      return true
    }
    // Its table of methods is full: a fresh connection starts an empty one.
    this.#letGo(connection)
    connection.retire()
    return false
  }

  /** Ends the pause before the next attempt to connect, unless it has only begun: then why the last one failed. */
  #hasten(): FenbuError | undefined {
    if (this.#retryTimer === undefined) return undefined
    const failure = this.#lastFailure
    if (failure && performance.now() - failure.atMs < RECONNECT_MS_MIN) return failure.error
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    return undefined
  }

  #letGo(connection: ClientConnection): void {
    if (connection === this.#current) this.#current = undefined
    if (connection.pending > 0) this.#retiring.add(connection)
  }

  #connect(): void {
    if (this.#current?.spent) this.#letGo(this.#current)
    if (this.#closed || this.#dialling || this.#current !== undefined || this.#retryTimer !== undefined)
      return
    this.#dialling = true
    const { connectTimeoutMs, maxFrameBytes, tls } = this.#world.options
    dial(this.address, rpcProtocol, {
      connectTimeoutMs,
      signal: this.#abort.signal,
      connection: { maxFrameBytes, handshakeTimeoutMs: connectTimeoutMs },
      ...(tls !== undefined && { tls }),
    }).then(
      (connection) => {
        this.#current = new ClientConnection(connection, this, this.#world.hello, this.#world.codec)
        this.#current.open()
      },
      (error: unknown) => {
        this.#dialling = false
        if (!this.#closed) this.#failed(error)
      },
    )
  }

  /** No connection: whoever waits for one surely did not run, and looks elsewhere. */
  #failed(cause: unknown): void {
    this.health.failed(performance.now())
    const waiting = this.#takeQueue()
    this.#retryLater()
    const error = notSent(this.name, cause)
    this.#lastFailure = { error, atMs: performance.now() }
    for (const { call } of waiting) call.unsent(error, true)
  }

  #retryLater(): void {
    if (this.#retryTimer !== undefined || this.#closed || !this.#used) return
    const base = Math.min(RECONNECT_MS_MIN * 2 ** this.#failures, RECONNECT_MS_MAX)
    this.#failures++
    const delayMs = base / 2 + (this.#world.random() / 0x1_0000_0000) * (base / 2)
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined
      if (this.#listings > 0 || this.#queue.length > 0) this.#connect()
    }, delayMs)
    // Calls that wait keep the process alive by their deadlines; reconnecting for nobody must not.
    this.#retryTimer.unref()
  }

  #takeQueue(): { readonly call: Invocation; readonly method: MethodName }[] {
    const waiting = this.#queue
    this.#queue = []
    return waiting
  }
}

function notSent(name: string, cause: unknown): FenbuError {
  // A disagreement of versions or codecs is said as such: connecting again does not help.
  if (isFenbuError(cause) && (cause.code === 'RPC_VERSION_MISMATCH' || cause.code === 'RPC_CODEC_MISMATCH'))
    return rpcError(cause.code, `${name}: ${cause.message}`, { cause, outcome: 'not-executed' })
  const why = cause instanceof Error ? cause.message : String(cause)
  return rpcError('RPC_UNREACHABLE', `no connection to ${name}: ${why}`, { cause })
}
