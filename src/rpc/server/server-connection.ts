import { FenbuError } from '../../base/index.ts'
import type { Connection, ConnectionHandler } from '../../host/index.ts'
import { codecNamed } from '../codecs.ts'
import {
  type Agreement,
  type AnyFrame,
  agree,
  CallView,
  type Codec,
  checkPreface,
  Definitions,
  decodeFrame,
  decodeMetadata,
  encodeError,
  encodeFrame,
  encodeResult,
  FRAMES,
  type Frame,
  frameType,
  GOAWAY_REASON,
  type Hello,
  isPreface,
  PREFACE,
  PROTOCOL_VERSION_MIN,
  permittedFrame,
  type RemoteFailure,
  rpcError,
  ServerCalls,
} from '../core/index.ts'
import { crossingFailure, streamsUnsupported } from './failure.ts'
import type { ProviderState } from './provider.ts'
import { runHandler, ServerCall } from './server-call.ts'

/** Refusals that another instance may answer differently. */
const ELSEWHERE: readonly string[] = [
  'RPC_OVERLOADED',
  'RPC_DRAINING',
  'RPC_NO_SUCH_SERVICE',
  'RPC_NO_SUCH_METHOD',
]

const NO_METADATA_BYTES = new Uint8Array(0)

/** The server's end of one connection: handshake, definitions, calls in, answers out. */
export class ServerConnection implements ConnectionHandler {
  readonly #connection: Connection
  readonly #state: ProviderState
  readonly #calls: ServerCalls<ServerCall>
  readonly #definitions: Definitions
  readonly #view = new CallView()
  readonly #peer: string
  readonly #principal: string | undefined
  /** Admitted in this batch of frames; run at its end, so that a cancellation in the same batch comes in time. */
  #starting: ServerCall[] = []
  #codec: Codec | undefined
  #agreement: Agreement | undefined
  #prefaceSeen = false

  constructor(connection: Connection, state: ProviderState) {
    this.#connection = connection
    this.#state = state
    this.#calls = new ServerCalls(state.limits.maxInFlight)
    this.#definitions = new Definitions(state.services)
    this.#peer = connection.remoteAddress
    this.#principal = connection.peerName
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#prefaceSeen) this.#preface(bytes, start, end)
    else if (this.#codec !== undefined && frameType(bytes, start) === FRAMES.CALL.type)
      this.#call(this.#codec, bytes, start, end)
    else this.#other(decodeFrame(bytes, start, end))
  }

  batchEnd(): void {
    const starting = this.#starting
    if (starting.length === 0) return
    this.#starting = []
    for (const call of starting) {
      if (call.aborted) this.#ended(call)
      else this.#run(call)
    }
  }

  refused(error: FenbuError): void {
    if (!this.#prefaceSeen || error.code === 'RPC_PREFACE_INVALID') return
    const reason =
      error.code === 'RPC_VERSION_MISMATCH'
        ? GOAWAY_REASON.versionMismatch
        : error.code === 'RPC_CODEC_MISMATCH'
          ? GOAWAY_REASON.codecMismatch
          : GOAWAY_REASON.violation
    this.#goAway(reason, 0, `${error.code}: ${error.message}`)
  }

  drain(): void {
    if (this.#calls.draining) return
    this.#goAway(GOAWAY_REASON.draining, this.#state.drainMs, 'the server stops')
    this.#endIfDone()
  }

  closed(): void {
    this.#state.connections.delete(this)
    const lost = rpcError('RPC_CONNECTION_LOST', `the connection to the caller ${this.#peer} is gone`)
    for (const call of this.#calls.abandon()) call.abort(lost)
    this.batchEnd()
  }

  /** The deadline of a call has passed: its caller no longer waits. */
  expire(call: ServerCall): void {
    this.#calls.cancel(call.callId)
    call.abort(
      rpcError('RPC_DEADLINE_EXCEEDED', `${call.service}.${call.method}: the caller no longer waits`),
    )
  }

  #preface(bytes: Uint8Array, start: number, end: number): void {
    // Also to a peer of another framing: it learns from ours what it met.
    if (isPreface(bytes.subarray(start, end))) this.#connection.writer.bytes(PREFACE)
    checkPreface(bytes, start, end)
    this.#prefaceSeen = true
    encodeFrame(this.#connection.writer, 'HELLO', 0, 0, this.#state.hello)
  }

  #other(any: AnyFrame): void {
    if (this.#agreement === undefined && any.name !== 'HELLO')
      throw rpcError('RPC_PROTOCOL_VIOLATION', `${any.name} before HELLO`)
    const frame = permittedFrame(any, 'client', this.#agreement?.version ?? PROTOCOL_VERSION_MIN)
    if (frame === undefined) {
      this.#unsupported(any)
      return
    }
    switch (frame.name) {
      case 'HELLO':
        this.#hello(frame.fields)
        return
      case 'DEFINE':
        this.#definitions.define(frame.fields)
        return
      case 'CANCEL':
        this.#cancel(frame.callId)
        return
      case 'PING':
        encodeFrame(this.#connection.writer, 'PONG', 0, 0, frame.fields)
        return
      case 'PONG':
        return
      default:
        // Calls take the short way.
        frame satisfies Frame<'CALL'>
    }
  }

  #hello(peer: Hello): void {
    if (this.#agreement !== undefined) throw rpcError('RPC_PROTOCOL_VIOLATION', 'HELLO twice')
    this.#agreement = agree(this.#state.hello, peer, 'server')
    this.#codec = codecNamed(this.#agreement.codec)
    this.#connection.established()
    if (this.#state.draining) this.drain()
  }

  #call(codec: Codec, bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view
    view.move(bytes, start, end)
    const admission = this.#calls.admit(view.callId)
    try {
      if (admission !== 'accepted' || this.#state.inFlight >= this.#state.limits.maxInFlightTotal)
        throw this.#refusal(admission)
      this.#accept(this.#read(codec, bytes, end))
    } catch (error) {
      if (!(error instanceof FenbuError) || error.code === 'RPC_PROTOCOL_VIOLATION') throw error
      this.#answerRefusal(view.callId, error)
    }
  }

  #refusal(admission: 'accepted' | 'overloaded' | 'draining'): FenbuError {
    if (admission === 'draining') return rpcError('RPC_DRAINING', 'this server is about to stop')
    const { maxInFlight, maxInFlightTotal } = this.#state.limits
    return admission === 'overloaded'
      ? rpcError(
          'RPC_OVERLOADED',
          `${this.#calls.inFlight} calls in flight on this connection; maxInFlight is ${maxInFlight}`,
        )
      : rpcError(
          'RPC_OVERLOADED',
          `${this.#state.inFlight} calls in flight; maxInFlightTotal is ${maxInFlightTotal}`,
        )
  }

  #read(codec: Codec, bytes: Uint8Array, end: number): ServerCall {
    const view = this.#view
    const provided = this.#definitions.resolve(view.methodId)
    const metadataBytes =
      view.argsStart === view.metadataStart
        ? NO_METADATA_BYTES
        : bytes.subarray(view.metadataStart, view.argsStart)
    const args = codec.decode(bytes, view.argsStart, end)
    if (!Array.isArray(args)) throw rpcError('RPC_BODY_INVALID', 'the arguments of a call are one array')
    return new ServerCall(
      view.callId,
      provided,
      args,
      view.idempotent,
      view.attempt,
      decodeMetadata(metadataBytes),
      this.#connection.statistics.lastReceivedMs,
      // 0 would be no time at all: callers round up, so only a broken one sends it.
      Math.max(1, view.timeoutMs),
      this.#peer,
      this.#principal,
      this,
    )
  }

  #accept(call: ServerCall): void {
    this.#calls.start(call.callId, call)
    this.#state.inFlight++
    this.#state.deadlines.add(call, call.deadline)
    this.#starting.push(call)
  }

  #cancel(callId: number): void {
    this.#calls.cancel(callId)?.abort(rpcError('RPC_CANCELLED', 'the caller no longer wants the answer'))
  }

  /** Nothing that a handler returns or throws may escape here: the other calls of the batch still have to start. */
  #run(call: ServerCall): void {
    let result: unknown
    let later = false
    try {
      result = runHandler(call)
      later = isThenable(result)
      if (later)
        (result as PromiseLike<unknown>).then(
          (value) => this.#succeeded(call, value),
          (error: unknown) => this.#failed(call, error),
        )
    } catch (error) {
      this.#failed(call, error)
      return
    }
    if (!later) this.#succeeded(call, result)
  }

  #succeeded(call: ServerCall, value: unknown): void {
    if (call.ended) return
    const micros = handlerMicros(call)
    if (!this.#ended(call)) return
    this.#answerResult(call, micros, value)
    this.#endIfDone()
  }

  #failed(call: ServerCall, error: unknown): void {
    if (call.ended) return
    const micros = handlerMicros(call)
    if (!this.#ended(call)) return
    this.#answerError(call, micros, crossingFailure(error, call.service, call.method, this.#state.report))
    this.#endIfDone()
  }

  /** The handler has ended. True if its answer is still wanted. */
  #ended(call: ServerCall): boolean {
    call.ended = true
    this.#state.inFlight--
    this.#state.deadlines.remove(call)
    const wanted = this.#calls.finish(call.callId)
    if (!wanted) this.#endIfDone()
    return wanted && !this.#connection.closed
  }

  #answerResult(call: ServerCall, micros: number, value: unknown): void {
    const writer = this.#connection.writer
    const start = writer.length
    try {
      if (isAsyncIterable(value)) {
        this.#answerError(call, micros, streamsUnsupported(call.service, call.method))
        return
      }
      encodeResult(writer, call.callId, micros, value, this.#codec!)
      this.#checkLength(writer.length - start)
    } catch (error) {
      writer.truncate(start)
      this.#answerError(call, micros, {
        ...crossingFailure(error, call.service, call.method, this.#state.report),
        outcome: 'executed',
      })
    }
  }

  #answerError(call: ServerCall, micros: number, failure: RemoteFailure): void {
    this.#writeError(call.callId, failure, false, micros)
  }

  #answerRefusal(callId: number, error: FenbuError): void {
    const failure = {
      code: error.code,
      outcome: 'not-executed' as const,
      message: error.message,
      details: undefined,
    }
    this.#writeError(callId, failure, ELSEWHERE.includes(error.code), 0)
  }

  #writeError(callId: number, failure: RemoteFailure, elsewhere: boolean, micros: number): void {
    const writer = this.#connection.writer
    const start = writer.length
    try {
      encodeError(writer, callId, failure, elsewhere, micros, this.#codec!)
      this.#checkLength(writer.length - start)
    } catch {
      // The details cannot cross: the error itself still does.
      writer.truncate(start)
      encodeError(writer, callId, { ...failure, details: undefined }, elsewhere, micros, this.#codec!)
    }
  }

  #checkLength(bytes: number): void {
    const max = Math.min(this.#agreement!.peerMaxFrameBytes, this.#state.limits.maxFrameBytes)
    if (bytes > max)
      throw rpcError('RPC_PAYLOAD_TOO_LARGE', `an answer of ${bytes} bytes; the caller takes ${max}`, {
        outcome: 'executed',
      })
  }

  #unsupported(frame: AnyFrame): void {
    const error = rpcError(
      'RPC_FRAME_UNSUPPORTED',
      `${frame.name} frames belong to a feature that this server has not`,
    )
    if (frame.callId === 0) throw error
    this.#answerRefusal(frame.callId, error)
  }

  #goAway(reason: number, drainMs: number, message: string): void {
    const lastCallId = this.#calls.drain()
    encodeFrame(this.#connection.writer, 'GOAWAY', 0, 0, {
      lastCallId,
      reason,
      drainMs,
      message: message.slice(0, 1000),
    })
  }

  #endIfDone(): void {
    if (this.#calls.draining && this.#calls.inFlight === 0) this.#connection.end()
  }
}

function handlerMicros(call: ServerCall): number {
  return Math.min(0xffff_ffff, Math.round((performance.now() - call.arrivedMs) * 1000))
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
