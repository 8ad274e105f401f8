import { randomBytes } from 'node:crypto'
import { FenbuError } from '../../base/index.ts'
import type { Connection, ConnectionHandler } from '../../host/index.ts'
import {
  type Agreement,
  type AnyFrame,
  agree,
  CANCEL_REASON,
  ClientCalls,
  type Codec,
  checkPreface,
  decodeError,
  decodeFrame,
  encodeCall,
  encodeFrame,
  FRAMES,
  type Frame,
  frameCallId,
  frameType,
  type Hello,
  type LostCalls,
  PREFACE,
  PROTOCOL_VERSION_MIN,
  permittedFrame,
  resultHandlerMicros,
  resultValueStart,
  rpcError,
} from '../core/index.ts'
import type { Invocation } from './invocation.ts'

/** What a connection tells the channel that it belongs to. */
export interface ConnectionOwner {
  /** The handshake is over: calls may be written. */
  onReady(connection: ClientConnection): void
  /** Something arrived: the peer lives. */
  onAlive(): void
  /** The server takes no more calls here; those given surely did not run. */
  onGoAway(connection: ClientConnection, refused: readonly Invocation[]): void
  /** A call ended, so that another has room. */
  onRoom(connection: ClientConnection): void
  onClosed(connection: ClientConnection, reason: FenbuError, lost: LostCalls<Invocation>): void
}

/** A method as DEFINE names it, once for each connection. */
export interface DefinedMethod {
  /** Unique among the methods of a client. */
  readonly key: string
  readonly service: string
  readonly group: string
  readonly version: string
  readonly method: string
}

/** The client's end of one connection: handshake, definitions, calls out, answers in. */
export class ClientConnection implements ConnectionHandler {
  readonly #connection: Connection
  readonly #owner: ConnectionOwner
  readonly #hello: Hello
  readonly #codec: Codec
  readonly #definitions = new Map<string, number>()
  #calls: ClientCalls<Invocation> = new ClientCalls(0)
  #agreement: Agreement | undefined
  #prefaceSeen = false
  #goingAway = false
  #pingedMs: number | undefined
  /** What the server said when it went away. */
  #farewell = ''

  constructor(connection: Connection, owner: ConnectionOwner, hello: Hello, codec: Codec) {
    this.#connection = connection
    this.#owner = owner
    this.#hello = hello
    this.#codec = codec
  }

  /** Sends the first words. */
  open(): void {
    this.#connection.start(this)
    this.#connection.writer.bytes(PREFACE)
    encodeFrame(this.#connection.writer, 'HELLO', 0, 0, this.#hello)
  }

  /** The handshake is over. */
  get established(): boolean {
    return this.#agreement !== undefined
  }

  /** Whether another call may be written now. */
  get takesCalls(): boolean {
    return !this.#goingAway && !this.#calls.full && !this.#connection.choked
  }

  get pending(): number {
    return this.#calls.size
  }

  /** Monotonic ms of the last sign of life. */
  get lastReceivedMs(): number {
    return this.#connection.statistics.lastReceivedMs
  }

  get peerInstanceId(): string {
    return this.#agreement?.peerInstanceId ?? ''
  }

  /**
   * Writes a call and returns its id; 0 if this connection can name no further method or number no further call.
   * Throws `RPC_PAYLOAD_TOO_LARGE`.
   */
  send(call: Invocation, method: DefinedMethod, timeoutMs: number): number {
    const max = this.#agreement!.peerMaxFrameBytes
    const bytes = call.args.length + call.metadata.length + CALL_OVERHEAD_BYTES
    if (bytes > max)
      throw rpcError(
        'RPC_PAYLOAD_TOO_LARGE',
        `a request of ${bytes} bytes; ${this.#connection.remoteAddress} takes ${max}`,
      )
    const methodId = this.#definitions.get(method.key) ?? this.#define(method)
    if (methodId === -1 || this.#calls.closing) return 0
    const writer = this.#connection.writer
    const callId = this.#calls.open(call, this.#connection.statistics.bytesSent + writer.length)
    encodeCall(writer, callId, call.idempotent, methodId, timeoutMs, call.attempt, call.metadata, call.args)
    return callId
  }

  /** The answer is no longer wanted. */
  cancel(callId: number, reason: keyof typeof CANCEL_REASON): void {
    if (this.#calls.settle(callId) === undefined || this.#connection.closed) return
    encodeFrame(this.#connection.writer, 'CANCEL', callId, 0, { reason: CANCEL_REASON[reason] })
    this.#settled()
  }

  /** Asks for a sign of life; answers whether one has been missing for longer than `timeoutMs`. */
  probe(nowMs: number, timeoutMs: number): boolean {
    if (this.#pingedMs !== undefined && this.lastReceivedMs >= this.#pingedMs) this.#pingedMs = undefined
    if (this.#pingedMs !== undefined) return nowMs - this.#pingedMs >= timeoutMs
    if (this.#agreement === undefined) return false
    this.#pingedMs = nowMs
    encodeFrame(this.#connection.writer, 'PING', 0, 0, { token: randomBytes(8) })
    return false
  }

  /** Takes no further calls; ends once those under way have. */
  retire(): void {
    this.#goingAway = true
    if (this.#calls.size === 0) this.#connection.end()
  }

  destroy(reason: FenbuError): void {
    this.#connection.destroy(reason)
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#prefaceSeen) {
      checkPreface(bytes, start, end)
      this.#prefaceSeen = true
    } else if (this.#agreement !== undefined && frameType(bytes, start) === FRAMES.RESULT.type)
      this.#result(bytes, start, end)
    else this.#other(decodeFrame(bytes, start, end))
  }

  batchEnd(): void {
    this.#owner.onAlive()
  }

  writable(): void {
    this.#owner.onRoom(this)
  }

  closed(reason: FenbuError): void {
    const lost = this.#calls.lost(this.#connection.statistics.bytesSent)
    this.#owner.onClosed(this, this.#farewell === '' ? reason : withFarewell(reason, this.#farewell), lost)
  }

  drain(): void {
    this.retire()
  }

  #define(method: DefinedMethod): number {
    const methodId = this.#definitions.size
    if (methodId >= this.#agreement!.peerMaxDefinitions) return -1
    this.#definitions.set(method.key, methodId)
    encodeFrame(this.#connection.writer, 'DEFINE', 0, 0, {
      methodId,
      service: method.service,
      group: method.group,
      version: method.version,
      method: method.method,
    })
    return methodId
  }

  #result(bytes: Uint8Array, start: number, end: number): void {
    const valueStart = resultValueStart(bytes, start, end)
    const call = this.#settle(frameCallId(bytes, start))
    if (call === undefined) return
    const handlerMicros = resultHandlerMicros(bytes, start)
    let value: unknown
    try {
      value = this.#codec.decode(bytes, valueStart, end)
    } catch (error) {
      call.answeredError(asExecuted(error), handlerMicros)
      this.#settled()
      return
    }
    call.answered(value, handlerMicros)
    this.#settled()
  }

  #other(any: AnyFrame): void {
    if (this.#agreement === undefined && any.name !== 'HELLO' && any.name !== 'GOAWAY')
      throw rpcError('RPC_PROTOCOL_VIOLATION', `${any.name} before HELLO`)
    const frame = permittedFrame(any, 'server', this.#agreement?.version ?? PROTOCOL_VERSION_MIN)
    if (frame === undefined)
      throw rpcError(
        'RPC_FRAME_UNSUPPORTED',
        `the server sent ${any.name}, of a feature that nobody announced`,
      )
    switch (frame.name) {
      case 'HELLO':
        this.#welcome(frame.fields)
        return
      case 'ERROR':
        this.#error(frame)
        return
      case 'PING':
        encodeFrame(this.#connection.writer, 'PONG', 0, 0, frame.fields)
        return
      case 'PONG':
        return
      case 'GOAWAY':
        this.#farewell = frame.fields.message
        this.#goAway(frame.fields.lastCallId)
        return
      default:
        // Results take the short way.
        frame satisfies Frame<'RESULT'>
    }
  }

  #welcome(peer: Hello): void {
    if (this.#agreement !== undefined) throw rpcError('RPC_PROTOCOL_VIOLATION', 'HELLO twice')
    this.#agreement = agree(this.#hello, peer, 'client')
    this.#calls = new ClientCalls(this.#agreement.peerMaxInFlight)
    this.#connection.established()
    this.#owner.onReady(this)
  }

  #error(frame: Frame<'ERROR'>): void {
    // A malformed one closes the connection, with the call still on it.
    const error = decodeError(frame.fields, this.#codec)
    const call = this.#settle(frame.callId)
    if (call === undefined) return
    if ((frame.flags & FRAMES.ERROR.flags.elsewhere) !== 0) call.refused(error)
    else call.answeredError(error, frame.fields.handlerMicros)
    this.#settled()
  }

  #goAway(lastCallId: number): void {
    this.#goingAway = true
    const refused = this.#calls.goAway(lastCallId)
    this.#owner.onGoAway(this, refused)
    if (this.#calls.size === 0) this.#connection.end()
  }

  #settle(callId: number): Invocation | undefined {
    const call = this.#calls.settle(callId)
    if (call === undefined && !this.#calls.issued(callId))
      throw rpcError('RPC_PROTOCOL_VIOLATION', `an answer to call ${callId}, which was never made`)
    return call
  }

  #settled(): void {
    if (this.#goingAway && this.#calls.size === 0) this.#connection.end()
    else this.#owner.onRoom(this)
  }
}

function withFarewell(reason: FenbuError, farewell: string): FenbuError {
  return new FenbuError(reason.code, reason.outcome, `${reason.message} (the server said: ${farewell})`, {
    cause: reason,
  })
}

/** Header and fixed fields of a CALL. */
const CALL_OVERHEAD_BYTES = 19

/** The handler ran; only its answer is unreadable. */
function asExecuted(error: unknown): FenbuError {
  if (!(error instanceof FenbuError)) throw error
  return new FenbuError(error.code, 'executed', error.message, { cause: error })
}
