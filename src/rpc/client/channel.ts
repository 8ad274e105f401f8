import { type FenbuError, isFenbuError } from '../../base/index.ts'
import { Health } from '../../governance/index.ts'
import { type Address, type Connection, formatAddress } from '../../host/index.ts'
import { type Codec, type Hello, type LostCalls, rpcError } from '../core/index.ts'
import { ClientConnection, type ConnectionOwner, type DefinedMethod } from './client-connection.ts'
import { Dialler, type DiallerOwner } from './dialler.ts'
import type { Invocation } from './invocation.ts'
import type { ResolvedClientOptions } from './options.ts'

/** What all channels of a client share. */
export interface ChannelWorld {
  readonly options: ResolvedClientOptions
  readonly hello: Hello
  readonly codec: Codec
  /** A uniform integer below 2^32. */
  random(): number
}

export type ChannelState = 'idle' | 'connecting' | 'connected' | 'waiting'

/**
 * Everything between this client and one address: at most one connection that takes calls, made when the first call
 * needs it and again after a loss while the address is listed; older ones that finish what they have; and the calls
 * that wait for a connection.
 */
export class Channel implements ConnectionOwner, DiallerOwner {
  readonly health: Health = new Health()
  readonly name: string
  readonly #world: ChannelWorld
  readonly #dialler: Dialler
  /** Every connection that is not closed, whether it takes calls or not. */
  readonly #connections = new Set<ClientConnection>()
  /** In the order of their arrival. */
  readonly #waiting = new Map<Invocation, DefinedMethod>()
  /** The connection that takes calls. */
  #current: ClientConnection | undefined
  #listings = 0
  #used = false
  #closed: FenbuError | undefined
  #onEmpty: (() => void) | undefined

  constructor(address: Address, world: ChannelWorld) {
    this.name = formatAddress(address)
    this.#world = world
    this.#dialler = new Dialler(address, world.options, world.random, this)
  }

  get state(): ChannelState {
    return this.#current === undefined ? this.#dialler.state : 'connected'
  }

  /** Nobody lists the address, and no call is under way. */
  get idle(): boolean {
    if (this.#listings > 0 || this.#waiting.size > 0) return false
    for (const connection of this.#connections) if (connection.pending > 0) return false
    return true
  }

  /** An instance at this address came into a list, or left one. */
  listed(by: 1 | -1): void {
    this.#listings += by
  }

  /**
   * Writes the call, or keeps it until there is a connection. An address that could not be reached is tried again
   * for the call at once, but gives it back when that was only a moment ago: there may be other instances.
   * Throws `RPC_QUEUE_FULL`, `RPC_PAYLOAD_TOO_LARGE`.
   */
  send(call: Invocation, method: DefinedMethod, nowMs: number): void {
    this.#used = true
    const current = this.#current
    if (current?.takesCalls && this.#waiting.size === 0 && this.#write(current, call, method, nowMs)) return
    const { maxQueued } = this.#world.options
    if (this.#waiting.size >= maxQueued)
      throw rpcError(
        'RPC_QUEUE_FULL',
        `${this.#waiting.size} calls wait for ${this.name}; maxQueued is ${maxQueued}`,
      )
    const refusal = this.#closed ?? (this.#current === undefined ? this.#dialler.hasten() : undefined)
    if (refusal) {
      call.unsent(refusal, this.#closed === undefined)
      return
    }
    this.#waiting.set(call, method)
    this.#connect()
  }

  /** Takes a waiting call back. */
  unqueue(call: Invocation): void {
    this.#waiting.delete(call)
  }

  /** Looks after a connection that is silent; called about once a second. */
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

  /** Calls that wait fail; those under way get `timeoutMs` to finish. */
  async close(reason: FenbuError, timeoutMs: number): Promise<void> {
    this.#closed = reason
    this.#current = undefined
    this.#dialler.close(reason)
    for (const call of this.#takeWaiting()) call.answeredError(reason, undefined)
    for (const connection of this.#connections) connection.retire()
    if (this.#connections.size === 0) return
    const cut = setTimeout(() => this.#cut(reason), timeoutMs)
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    clearTimeout(cut)
  }

  onConnection(connection: Connection): void {
    const opened = new ClientConnection(connection, this, this.#world.hello, this.#world.codec)
    this.#connections.add(opened)
    opened.open()
  }

  onUnreachable(error: FenbuError): void {
    this.health.failed(performance.now())
    for (const call of this.#takeWaiting()) call.unsent(error, true)
  }

  onPauseOver(): void {
    if (this.#listings > 0 || this.#waiting.size > 0) this.#connect()
  }

  onReady(connection: ClientConnection): void {
    this.#dialler.succeeded()
    if (this.#closed !== undefined) {
      connection.retire()
      return
    }
    this.#current = connection
    this.health.alive()
    this.onRoom(connection)
  }

  onAlive(): void {
    if (this.health.suspected && this.#current !== undefined) this.health.alive()
  }

  onRoom(connection: ClientConnection): void {
    for (const [call, method] of this.#waiting) {
      if (connection !== this.#current || !connection.takesCalls) return
      this.#waiting.delete(call)
      this.#writeWaiting(connection, call, method)
    }
  }

  onGoAway(connection: ClientConnection, refused: readonly Invocation[]): void {
    if (connection === this.#current) this.#current = undefined
    this.health.failed(performance.now())
    const error = rpcError('RPC_DRAINING', `${this.name} is about to stop`)
    for (const call of refused) call.refused(error)
    if (this.#waiting.size > 0) this.#connect()
  }

  onClosed(connection: ClientConnection, reason: FenbuError, lost: LostCalls<Invocation>): void {
    this.#connections.delete(connection)
    if (!connection.established) this.#dialler.failed(reason)
    else if (connection === this.#current) {
      this.#current = undefined
      this.health.failed(performance.now())
      if (this.#listings > 0 && this.#used) this.#dialler.pause()
    }
    this.#giveBack(reason, lost)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  #giveBack(cause: FenbuError, lost: LostCalls<Invocation>): void {
    const what = `the connection to ${this.name} is lost: ${cause.message}`
    const unsent = rpcError('RPC_UNREACHABLE', what, { cause })
    for (const call of lost.unsent) call.unsent(unsent, true)
    const sent = rpcError('RPC_CONNECTION_LOST', what, { cause })
    for (const call of lost.sent) call.lost(sent)
  }

  #write(connection: ClientConnection, call: Invocation, method: DefinedMethod, nowMs: number): boolean {
    const callId = connection.send(call, method, call.remainingMs(nowMs))
    if (callId !== 0) {
      call.sent(connection, callId)
      return true
    }
    // Its table of methods or its numbers are used up: a fresh connection starts anew.
    this.#current = undefined
    connection.retire()
    return false
  }

  #writeWaiting(connection: ClientConnection, call: Invocation, method: DefinedMethod): void {
    try {
      if (this.#write(connection, call, method, performance.now())) return
      this.#waiting.set(call, method)
      this.#connect()
    } catch (error) {
      if (!isFenbuError(error)) throw error
      call.answeredError(error, undefined)
    }
  }

  #connect(): void {
    if (this.#current === undefined && this.#closed === undefined) this.#dialler.dial()
  }

  #cut(reason: FenbuError): void {
    for (const connection of this.#connections) connection.destroy(reason)
  }

  #takeWaiting(): Invocation[] {
    const calls = [...this.#waiting.keys()]
    this.#waiting.clear()
    return calls
  }
}
