import { assert, type FenbuError } from '../../base/index.ts'
import { ByteReader } from '../../bytes/index.ts'
import type { Connection, ConnectionHandler } from '../../host/index.ts'
import {
  beginReply,
  coordinationError,
  ERROR_CODE,
  type EventType,
  endReply,
  operationByCode,
  PASSWORD_BYTES,
  type ReadContext,
  readConnectRequest,
  type Session,
  writeConnectResponse,
  writeEventFrame,
  ZXID_ZERO,
  type Zxid,
} from '../core/index.ts'
import type { Coordinator } from './coordinator.ts'
import { answerWord, WORD_BYTES, wordAt } from './four-letter-words.ts'
import type { Stallable } from './outstanding.ts'
import { type PendingRequest, PendingRequests } from './pending-requests.ts'
import type { Proposing } from './proposer.ts'

const NOTHING = new Uint8Array(0)
const FRAME_LENGTH_BYTES = 4
const HEADER_BYTES = 8
/** What a request that waits costs beside its bytes. */
const PENDING_OVERHEAD_BYTES = 128
/** Answers of this size leave before the next is written, so that it shows whether the peer takes them. */
const FLUSH_BYTES = 64 * 1024
/** The zxid in the reply to an operation that does not exist. */
const ZXID_NONE: Zxid = { epoch: -1, counter: -1 }

/**
 * One client's connection: the handshake, then requests, whose replies leave strictly in their order. Reads are
 * answered at once unless something of this connection waits before them.
 */
export class ClientConnection implements ConnectionHandler, Proposing, Stallable {
  readonly #connection: Connection
  readonly #coordinator: Coordinator
  readonly #pending = new PendingRequests()
  readonly #reader = new ByteReader(NOTHING)
  #context: ReadContext | undefined
  /** `joining`: the session was proposed. `ending`: nothing is taken any more, what waits is still answered. */
  #state: 'new' | 'joining' | 'open' | 'ending' | 'closed' = 'new'
  #session: Session | undefined
  #generation = 0
  #lastNumber = 0
  /** The client's handshake had the readOnly byte, and so must the answer. */
  #knowsReadOnly = false
  #paused = false

  constructor(connection: Connection, coordinator: Coordinator) {
    this.#connection = connection
    this.#coordinator = coordinator
  }

  get session(): Session | undefined {
    return this.#session
  }

  get generation(): number {
    return this.#generation
  }

  get gone(): boolean {
    return this.#state === 'closed'
  }

  // What arrives.

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.#coordinator.statistics.received++
    assert(this.#state !== 'joining', 'a connection is not read while its session is proposed')
    if (this.#state === 'open') this.#request(bytes, start, end)
    else if (this.#state === 'new') this.#hello(bytes, start, end)
  }

  batchEnd(): void {
    if (this.#session && this.#state === 'open') this.#coordinator.heardFrom(this.#session)
  }

  drain(): void {
    this.#endWhenAnswered()
  }

  closed(_reason: FenbuError): void {
    this.#state = 'closed'
    const { count, bytes } = this.#pending
    this.#pending.clear()
    this.#coordinator.connectionClosed(this)
    this.#coordinator.outstanding.remove(count, bytes)
  }

  /** The peer took what was unsent: go on answering what waits. */
  writable(): void {
    this.#answerWaiting()
  }

  readOn(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#connection.resume()
  }

  get nextNumber(): number {
    return this.#lastNumber + 1
  }

  /** Answers the writes that had no effect; their numbers are free again. */
  proposalRefused(from: number): void {
    if (this.#state === 'closed') return
    this.#lastNumber = from - 1
    this.#pending.refuse(from, { zxid: undefined, error: ERROR_CODE.SYSTEM_ERROR, body: NOTHING })
    this.#answerWaiting()
  }

  proposalFailed(reason: string): void {
    this.#connection.destroy(
      coordinationError('COORDINATION_SYSTEM_ERROR', `the log did not take a request: ${reason}`),
    )
  }

  // The handshake.

  #hello(bytes: Uint8Array, start: number, end: number): void {
    const word = end - start === WORD_BYTES ? wordAt(bytes, start, end) : undefined
    if (word !== undefined) {
      this.#connection.writer.utf8(answerWord(word, () => this.#coordinator.report()))
      this.#end()
      return
    }
    this.#reader.reset(bytes, start + FRAME_LENGTH_BYTES, end)
    const request = readConnectRequest(this.#reader)
    this.#knowsReadOnly = request.readOnly !== undefined
    // Whoever has seen more than this server knows must not see less.
    if (this.#coordinator.isAhead(request.lastZxidSeen)) this.#end()
    else {
      this.#state = 'joining'
      this.#pause()
      this.#coordinator.join(this, request)
    }
  }

  /** The session is this connection's. */
  welcome(session: Session): void {
    if (this.#state !== 'joining') return
    this.#session = session
    this.#context = this.#contextOf(session)
    this.#generation = session.generation
    this.#state = 'open'
    this.#connection.established(0)
    this.#writeHandshake(session.timeoutMs, session.id, session.password)
    this.readOn()
  }

  #contextOf(session: Session): ReadContext {
    const { watches } = this.#coordinator
    return {
      session,
      watchData: (path) => watches.watchData(path, this),
      watchChildren: (path) => watches.watchChildren(path, this),
      notify: (type, path) => this.#notify(type, path),
    }
  }

  /** No such session, or not with that password: a time-out of 0 says so. */
  turnAway(): void {
    if (this.#state !== 'joining') return
    this.#writeHandshake(0, 0n, new Uint8Array(PASSWORD_BYTES))
    this.#end()
  }

  #writeHandshake(timeoutMs: number, sessionId: bigint, password: Uint8Array): void {
    const { writer } = this.#connection
    const at = writer.length
    writer.int32(0)
    const readOnly = this.#knowsReadOnly ? false : undefined
    writeConnectResponse(writer, { protocolVersion: 0, timeoutMs, sessionId, password, readOnly })
    writer.setInt32At(at, writer.length - at - FRAME_LENGTH_BYTES)
    this.#coordinator.statistics.sent++
  }

  // Requests.

  #request(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start + FRAME_LENGTH_BYTES, end)
    const xid = reader.int32()
    const code = reader.int32()
    const kind = operationByCode(code)?.kind ?? 'unknown'
    const bodyAt = start + FRAME_LENGTH_BYTES + HEADER_BYTES
    if (kind === 'write') this.#write(xid, code, bytes.subarray(bodyAt, end))
    else if (kind === 'close') this.#close(xid, code)
    else if (kind === 'sync') this.#sync(xid, code, copyOf(bytes, bodyAt, end))
    else if (this.#pending.count > 0) this.#wait(xid, code, kind, 0, copyOf(bytes, bodyAt, end))
    else this.#answerNow(xid, code, kind, reader)
  }

  #write(xid: number, code: number, request: Uint8Array): void {
    const { proposer } = this.#coordinator
    if (!proposer.takes(request.length)) {
      this.#tooLarge(request.length)
      return
    }
    const batch = proposer.batch(this, request.length)
    // Making room in the batch may have ended this connection, or given numbers back.
    if (this.gone) return
    const number = ++this.#lastNumber
    batch.operation(this.#session!, this.#generation, number, code, request)
    this.#wait(xid, code, 'write', number, NOTHING, request.length)
  }

  #tooLarge(bytes: number): void {
    const what = `${this.#connection.remoteAddress} sent a write of ${bytes} bytes, more than one entry of the log takes`
    this.#connection.destroy(coordinationError('COORDINATION_PACKET_TOO_LARGE', what))
  }

  #close(xid: number, code: number): void {
    const batch = this.#coordinator.proposer.batch(this)
    if (this.gone) return
    const number = ++this.#lastNumber
    batch.close(this.#session!, this.#generation, number)
    this.#wait(xid, code, 'close', number, NOTHING)
    this.#state = 'ending'
  }

  #sync(xid: number, code: number, request: Uint8Array): void {
    const waiting = this.#wait(xid, code, 'sync', 0, request)
    this.#coordinator.proposer.barrier((failure) => {
      if (failure !== undefined) this.proposalFailed(failure)
      else {
        waiting.reply = { zxid: undefined, error: ERROR_CODE.OK, body: request }
        this.#answerWaiting()
      }
    })
  }

  #wait(
    xid: number,
    code: number,
    kind: PendingRequest['kind'],
    number: number,
    request: Uint8Array,
    length: number = request.length,
  ): PendingRequest {
    const { outstanding, options } = this.#coordinator
    const receivedMs = this.#connection.statistics.lastReceivedMs
    const bytes = length + PENDING_OVERHEAD_BYTES
    const waiting: PendingRequest = { xid, code, kind, number, request, receivedMs, bytes, reply: undefined }
    this.#pending.push(waiting)
    outstanding.add(bytes)
    const full =
      this.#pending.count >= options.maxConnectionOutstanding ||
      this.#pending.bytes >= options.maxConnectionOutstandingBytes
    if (outstanding.stalls(this) || full) this.#pause()
    return waiting
  }

  // Answers.

  /** A write or close was applied, or failed. */
  replied(number: number, zxid: Zxid, error: number, body: Uint8Array): void {
    const first = this.#pending.first
    if (first?.number === number && this.#hasRoom()) {
      this.#pending.shift()
      this.#answer(first, zxid, error, body)
      this.#answerWaiting()
      return
    }
    const waiting = this.#pending.find(number)
    if (waiting) waiting.reply = { zxid, error, body: new Uint8Array(body) }
  }

  /** Answers from the front whatever can be answered. */
  #answerWaiting(): void {
    for (let next = this.#pending.first; next !== undefined; next = this.#pending.first) {
      const reply = next.reply
      if (reply === undefined && isAwaited(next.kind)) break
      if (!this.#hasRoom()) break
      this.#pending.shift()
      if (reply !== undefined)
        this.#answer(next, reply.zxid ?? this.#coordinator.machine.zxid, reply.error, reply.body)
      else this.#answerWaited(next)
    }
    this.#settle()
  }

  /** False while the peer does not take what it was answered: the rest waits for `writable`. */
  #hasRoom(): boolean {
    if (this.#connection.unsentBytes > FLUSH_BYTES) this.#connection.flush()
    return !this.#connection.choked && this.#state !== 'closed'
  }

  #settle(): void {
    const { maxConnectionOutstanding, maxConnectionOutstandingBytes } = this.#coordinator.options
    const { count, bytes } = this.#pending
    if (count === 0 && this.#state === 'ending') this.#end()
    else if (
      this.#paused &&
      count * 2 <= maxConnectionOutstanding &&
      bytes * 2 <= maxConnectionOutstandingBytes
    )
      if (this.#state === 'open' && !this.#coordinator.outstanding.stalls(this)) this.readOn()
  }

  #answerWaited(next: PendingRequest): void {
    this.#coordinator.outstanding.remove(1, next.bytes)
    this.#reader.reset(next.request)
    this.#answerNow(next.xid, next.code, next.kind, this.#reader)
  }

  #answer(request: PendingRequest, zxid: Zxid, error: number, body: Uint8Array): void {
    const { outstanding, statistics } = this.#coordinator
    outstanding.remove(1, request.bytes)
    statistics.answered(this.#coordinator.nowMs() - request.receivedMs)
    const { writer } = this.#connection
    const at = beginReply(writer, request.xid, zxid)
    writer.bytes(body)
    endReply(writer, at, error)
    if (request.kind === 'close') this.#end()
  }

  /** Everything that needs no log. `request` stands after the header. */
  #answerNow(xid: number, code: number, kind: PendingRequest['kind'], request: ByteReader): void {
    const { machine, statistics } = this.#coordinator
    statistics.answered(0)
    if (kind === 'read') {
      const watched = this.#coordinator.watches.count
      machine.answer(xid, code, request, this.#context!, this.#connection.writer)
      if (this.#coordinator.watches.count > watched) this.#countWatches()
    } else if (kind === 'watch') this.#setWatches(xid, code, request)
    else if (kind === 'ping') this.#writeReply(xid, machine.zxid, ERROR_CODE.OK)
    // Nobody can be told apart yet: every scheme fails as an unknown one does.
    else if (kind === 'auth') this.#refuse(xid, ZXID_ZERO, ERROR_CODE.AUTH_FAILED)
    else this.#refuse(xid, ZXID_NONE, ERROR_CODE.UNIMPLEMENTED)
  }

  /** Events of what was missed come before the reply. */
  #setWatches(xid: number, code: number, request: ByteReader): void {
    const { machine, scratch } = this.#coordinator
    scratch.reset()
    const error = machine.read(code, request, this.#context!, scratch)
    this.#writeReply(xid, machine.zxid, error)
    this.#countWatches()
  }

  /** The connection ends with the error. */
  #refuse(xid: number, zxid: Zxid, error: number): void {
    this.#writeReply(xid, zxid, error)
    this.#end()
  }

  #writeReply(xid: number, zxid: Zxid, error: number): void {
    const { writer } = this.#connection
    endReply(writer, beginReply(writer, xid, zxid), error)
  }

  // Events.

  /** An event frame that is the same for all its watchers. */
  event(frame: Uint8Array): void {
    this.#coordinator.statistics.sent++
    this.#connection.writer.bytes(frame)
  }

  #notify(type: EventType, path: string): void {
    this.#coordinator.statistics.sent++
    writeEventFrame(this.#connection.writer, type, path)
  }

  #countWatches(): void {
    const bytes = this.#coordinator.watches.bytesOf(this)
    const { maxWatchBytes } = this.#coordinator.options
    if (bytes <= maxWatchBytes) return
    const what = `${this.#connection.remoteAddress} has watches of ${bytes} bytes`
    this.#connection.destroy(
      coordinationError('COORDINATION_TOO_MANY_WATCHES', `${what}; maxWatchBytes is ${maxWatchBytes}`),
    )
  }

  // The end.

  /** The session ended or moved away: what is written still leaves. */
  dismiss(): void {
    this.#end()
  }

  #endWhenAnswered(): void {
    if (this.#state === 'closed') return
    const open = this.#state === 'open'
    this.#state = 'ending'
    if (!open || this.#pending.count === 0) this.#end()
  }

  #end(): void {
    if (this.#state === 'closed') return
    this.#state = 'ending'
    this.#connection.end()
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#connection.pause()
  }
}

/** Whether a request's answer comes from elsewhere. */
function isAwaited(kind: PendingRequest['kind']): boolean {
  return kind === 'write' || kind === 'close' || kind === 'sync'
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
