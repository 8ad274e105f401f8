import { type Clock, isFenbuError, type Timer, type Timers } from '../../base/index.ts'
import { ByteReader, ByteWriter } from '../../bytes/index.ts'
import {
  type Connection,
  type ConnectionHandler,
  dial,
  formatAddress,
  nodeClock,
  nodeRandom,
  nodeTimers,
  type Protocol,
} from '../../host/index.ts'
import {
  coordinationError,
  EVENT_TYPE,
  frameBytes,
  MAX_PACKET_BYTES,
  OPEN_ACL,
  type Operation,
  PASSWORD_BYTES,
  RESERVED_XID,
  readConnectResponse,
  watcherEvent,
  operations as wire,
  writeConnectRequest,
} from '../core/index.ts'
import { type Call, CallQueue } from './call-queue.ts'
import type { CallOptions, WatchEvent, WatchListener } from './client.ts'
import { HostRotation } from './host-rotation.ts'
import { type ResolvedClientOptions, resolveCallTimeout } from './options.ts'
import {
  type ClientState,
  type SessionIdentity,
  SessionMachine,
  type SessionOutput,
} from './session-machine.ts'
import type { CoordinationUrl } from './url.ts'
import { Watches } from './watches.ts'

/** Servers bound what they take, not what they send: a list of many children may be longer than a packet. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024
const CLOSE_TIMEOUT_MS = 5_000
/** Longest time for one host to answer before the next is tried. */
const ATTEMPT_TIMEOUT_MS_MAX = 5_000
/** Connections that one read is sent over, as long as its time lasts: some reads end every connection. */
const READ_ATTEMPTS_MAX = 5

const protocol: Protocol = {
  name: 'zookeeper client',
  frameLength: (bytes, start, end) => frameBytes(bytes, start, end, REPLY_BYTES_MAX) ?? 0,
}

/** A request and what becomes of its reply. */
export interface Request<Fields, Result> {
  /** `create /a`, for error messages. */
  readonly what: string
  readonly operation: Pick<Operation<Fields, unknown>, 'code' | 'kind' | 'request'>
  readonly fields: Fields
  /** Reads the body if `error` is 0; throws what the caller is to get. Runs before any later frame is looked at. */
  result(error: number, reader: ByteReader): Result
}

/**
 * One session over one connection at a time: drives the session's state machine with a clock, timers and sockets,
 * and matches replies to calls.
 */
export class ClientSession {
  readonly watches: Watches = new Watches()
  readonly #url: CoordinationUrl
  readonly #options: ResolvedClientOptions
  readonly #machine: SessionMachine
  readonly #calls: CallQueue
  readonly #hosts: HostRotation
  readonly #clock: Clock = nodeClock
  readonly #timers: Timers = nodeTimers
  readonly #output: SessionOutput
  readonly #reader = new ByteReader(new Uint8Array(0))
  readonly #scratch = new ByteWriter(512)
  readonly #listeners = new Set<(state: ClientState) => void>()
  readonly #closed: Promise<void>
  #resolveClosed: () => void = () => {}
  #connection: Connection | undefined
  #dialing: AbortController | undefined
  #handshaken = false
  #nextXid = 1
  #lastZxid = 0n
  /** When the pings without an answer were sent. */
  #pingsSentMs: number[] = []
  /** For each setWatches without a reply: the zxid it named. */
  #watchZxids: bigint[] = []
  #closeXid: number | undefined
  #closeAsked = false
  #states: ClientState[] = []
  #timer: Timer | undefined
  #timerDueMs = Number.POSITIVE_INFINITY
  #lastFailure: unknown

  constructor(url: CoordinationUrl, options: ResolvedClientOptions) {
    this.#url = url
    this.#options = options
    this.#calls = new CallQueue(options)
    this.#hosts = new HostRotation(url.hosts, nodeRandom, options.reconnectDelayMsMax)
    this.#machine = new SessionMachine({
      attemptTimeoutMs: Math.min(ATTEMPT_TIMEOUT_MS_MAX, options.sessionTimeoutMs / 2),
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      retryDelayMs: (failures) => this.#hosts.delayMs(failures),
    })
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#output = this.#makeOutput()
  }

  get state(): ClientState {
    return this.#machine.state
  }

  get identity(): SessionIdentity | undefined {
    return this.#machine.session
  }

  get count(): number {
    return this.#machine.count
  }

  /** Opens the first connection, in a later turn: whoever made the client can subscribe first. */
  start(): void {
    this.#arm(this.#clock.monotonicMs())
    setImmediate(() => this.#step((nowMs, out) => this.#machine.start(nowMs, out)))
  }

  onState(listener: (state: ClientState) => void): () => void {
    // A wrapper of its own, so that the same function subscribed twice is called twice and removed once.
    const own = (state: ClientState): void => listener(state)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  close(): Promise<void> {
    this.#closeAsked = true
    this.#step((nowMs, out) => this.#machine.close(nowMs, out))
    return this.#closed
  }

  /** Resolves once a session is connected. */
  ready(options: CallOptions = {}): Promise<void> {
    const timeoutMs = resolveCallTimeout(options.timeoutMs, this.#options.callTimeoutMs)
    const { signal } = options
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const end = (error?: unknown): void => {
        timer.cancel()
        unsubscribe()
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const judge = (): void => {
        if (this.state === 'connected') end()
        else if (this.state === 'closed') end(closedError('ready'))
      }
      const onAbort = (): void => end(signal?.reason)
      const timer = this.#timers.after(timeoutMs, () =>
        setImmediate(() => end(this.#unreachable('ready', timeoutMs))),
      )
      const unsubscribe = this.onState(judge)
      signal?.addEventListener('abort', onAbort, { once: true })
      judge()
    })
  }

  /** Sends a request, or lets it wait for a connection. Rejects as `CoordinationClient` says. */
  call<Fields, Result>(request: Request<Fields, Result>, options: CallOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted()
      const { what } = request
      if (this.#closeAsked) throw closedError(what)
      const timeoutMs = resolveCallTimeout(options.timeoutMs, this.#options.callTimeoutMs)
      this.#calls.checkRoom(what)
      const xid = this.#takeXid()
      const { connected } = this.#machine
      const bytes = this.#encode(connected ? this.#connection!.writer : this.#scratch, request, xid)
      const call = this.#makeCall(request, { xid, bytes, timeoutMs }, options.signal, resolve, reject)
      if (connected) this.#sent(call)
      else {
        call.frame = this.#scratch.copyAndReset()
        this.#calls.addWaiting(call)
      }
      if (call.deadlineMs < this.#timerDueMs) this.#armAt(call.deadlineMs)
    })
  }

  #sent(call: Call): void {
    call.attempts++
    call.sentMs = this.#clock.monotonicMs()
    this.#machine.sent(call.sentMs)
    this.#calls.addSent(call)
  }

  #makeCall<Fields, Result>(
    request: Request<Fields, Result>,
    encoded: Pick<Call, 'xid' | 'bytes' | 'timeoutMs'>,
    signal: AbortSignal | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ): Call {
    const settle = (): void => {
      call.settled = true
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      call.fail(signal?.reason)
      this.#calls.dropSettledWaiting()
    }
    const call: Call = {
      ...encoded,
      what: request.what,
      readOnly: request.operation.kind !== 'write',
      deadlineMs: this.#clock.monotonicMs() + encoded.timeoutMs,
      frame: undefined,
      sentMs: 0,
      attempts: 0,
      settled: false,
      replied(error, reader) {
        if (call.settled) return
        settle()
        try {
          resolve(request.result(error, reader))
        } catch (cause) {
          reject(cause)
          // A body that cannot be read: nothing that follows on this connection can be trusted.
          if (isFenbuError(cause) && cause.code.startsWith('BYTES_')) throw cause
        }
      },
      fail(error) {
        if (call.settled) return
        settle()
        reject(error)
      },
      encode: () => {
        this.#encode(this.#scratch, request, encoded.xid)
        return this.#scratch.copyAndReset()
      },
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    return call
  }

  /** Appends the frame of a request and returns its length; leaves nothing behind if it is too long. */
  #encode<Fields>(writer: ByteWriter, request: Request<Fields, unknown>, xid: number): number {
    const at = writer.length
    try {
      writer.int32(0)
      writer.int32(xid)
      writer.int32(request.operation.code)
      request.operation.request.write(writer, request.fields)
      const length = writer.length - at - 4
      if (length > MAX_PACKET_BYTES)
        throw coordinationError(
          'COORDINATION_PACKET_TOO_LARGE',
          `${request.what}: the request has ${length} bytes; allowed: ${MAX_PACKET_BYTES}`,
        )
      writer.setInt32At(at, length)
      return length + 4
    } catch (error) {
      writer.truncate(at)
      throw error
    }
  }

  #takeXid(): number {
    const xid = this.#nextXid
    this.#nextXid = xid === 0x7fff_ffff ? 1 : xid + 1
    return xid
  }

  // The session's wishes.

  #makeOutput(): SessionOutput {
    return {
      dial: () => this.#dial(),
      handshake: (session) => this.#sendHandshake(session),
      ping: () => this.#sendPing(),
      closeSession: () => this.#sendCloseSession(),
      hangUp: (reason) => this.#hangUp(reason),
      established: (fresh) => this.#established(fresh),
      state: (state) => this.#enter(state),
    }
  }

  /** Runs one input of the machine, then tells the listeners, then sets the timer for what comes next. */
  #step(input: (nowMs: number, out: SessionOutput) => void): void {
    const nowMs = this.#clock.monotonicMs()
    input(nowMs, this.#output)
    const states = this.#states
    this.#states = []
    this.#arm(nowMs)
    for (const state of states)
      for (const listener of [...this.#listeners]) callListener(() => listener(state))
  }

  #dial(): void {
    const abort = new AbortController()
    this.#dialing = abort
    const address = this.#hosts.next()
    dial(address, protocol, {
      signal: abort.signal,
      connectTimeoutMs: ATTEMPT_TIMEOUT_MS_MAX,
      ...(this.#options.tls && { tls: this.#options.tls }),
      connection: { maxFrameBytes: REPLY_BYTES_MAX, idleTimeoutMs: 0 },
    }).then(
      (connection) => {
        if (this.#dialing !== abort) connection.destroy()
        else this.#opened(connection)
      },
      (error: unknown) => {
        if (this.#dialing !== abort) return
        this.#lastFailure = error
        this.#dialing = undefined
        this.#step((nowMs, out) => this.#machine.disconnected(nowMs, out))
      },
    )
  }

  #opened(connection: Connection): void {
    this.#dialing = undefined
    this.#connection = connection
    this.#handshaken = false
    connection.start(this.#handler(connection))
    this.#step((nowMs, out) => this.#machine.opened(nowMs, out))
  }

  #handler(connection: Connection): ConnectionHandler {
    const current = (): boolean => this.#connection === connection
    return {
      frame: (bytes, start, end) => {
        if (current()) this.#frame(bytes, start + 4, end)
      },
      closed: (reason) => {
        if (!current()) return
        this.#dropConnection(reason)
        this.#step((nowMs, out) => this.#machine.disconnected(nowMs, out))
      },
    }
  }

  #sendHandshake(session: SessionIdentity | undefined): void {
    this.#writeFrame((writer) =>
      writeConnectRequest(writer, {
        protocolVersion: 0,
        // A lost session is shown only to be closed, a new one owes nothing to what an earlier one saw.
        lastZxidSeen: this.#machine.session === undefined ? 0n : this.#lastZxid,
        timeoutMs: this.#options.sessionTimeoutMs,
        sessionId: session?.id ?? 0n,
        password: session?.password ?? new Uint8Array(PASSWORD_BYTES),
        readOnly: false,
      }),
    )
  }

  #sendPing(): void {
    this.#pingsSentMs.push(this.#clock.monotonicMs())
    this.#sendControl(RESERVED_XID.PING, wire.ping.code)
  }

  #sendCloseSession(): void {
    this.#closeXid = this.#takeXid()
    this.#sendControl(this.#closeXid, wire.closeSession.code)
  }

  #sendControl(xid: number, code: number, body?: (writer: ByteWriter) => void): void {
    this.#writeFrame((writer) => {
      writer.int32(xid)
      writer.int32(code)
      body?.(writer)
    })
    this.#machine.sent(this.#clock.monotonicMs())
  }

  #writeFrame(body: (writer: ByteWriter) => void): void {
    const writer = this.#connection!.writer
    const at = writer.length
    writer.int32(0)
    body(writer)
    writer.setInt32At(at, writer.length - at - 4)
  }

  /** First the chroot and the watches, so that every later call is behind them, then what waited. */
  #established(fresh: boolean): void {
    if (fresh) this.#createChroot()
    for (const batch of this.watches.batches()) {
      this.#watchZxids.push(this.#lastZxid)
      this.#sendControl(RESERVED_XID.SET_WATCHES, wire.setWatches.code, (writer) =>
        wire.setWatches.request.write(writer, { relativeZxid: this.#lastZxid, ...batch }),
      )
    }
    for (const call of this.#calls.takeWaiting()) {
      this.#connection!.writer.bytes(call.frame!)
      call.frame = undefined
      this.#sent(call)
    }
  }

  /** In front of every other request; what is missing in spite of it is told by the calls that need it. */
  #createChroot(): void {
    const parts = this.#url.chroot.split('/').slice(1)
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = `/${parts.slice(0, depth).join('/')}`
      const fields = { path, data: new Uint8Array(0), acl: OPEN_ACL, flags: 0 }
      this.call({
        what: `create ${path}`,
        operation: wire.create,
        fields,
        result: () => {},
      }).catch((error: unknown) => {
        this.#lastFailure = error
      })
    }
  }

  #enter(state: ClientState): void {
    this.#states.push(state)
    if (state === 'lost')
      for (const call of this.#calls.takeWaiting())
        call.fail(
          coordinationError(
            'COORDINATION_SESSION_EXPIRED',
            `${call.what}: the session was lost while the request waited for a connection`,
            { outcome: 'not-executed', cause: this.#lastFailure },
          ),
        )
    if (state !== 'closed') return
    for (const call of this.#calls.takeWaiting()) call.fail(closedError(call.what))
    this.#resolveClosed()
  }

  #hangUp(reason: string): void {
    this.#dialing?.abort(new Error(reason))
    this.#dialing = undefined
    const connection = this.#connection
    if (connection === undefined) return
    this.#dropConnection(
      coordinationError('COORDINATION_CONNECTION_LOSS', `${connection.remoteAddress}: ${reason}`),
    )
    connection.destroy()
  }

  #dropConnection(reason: unknown): void {
    this.#lastFailure = reason
    this.#connection = undefined
    this.#handshaken = false
    this.#pingsSentMs = []
    this.#watchZxids = []
    this.#closeXid = undefined
    for (const call of this.#calls.takeSent()) this.#interrupted(call, reason)
  }

  /** A read asks again over the next connection; what a write did is not known. */
  #interrupted(call: Call, reason: unknown): void {
    if (call.settled) return
    if (call.readOnly && call.attempts < READ_ATTEMPTS_MAX) {
      call.frame = call.encode()
      this.#calls.addWaiting(call)
    } else
      call.fail(
        coordinationError(
          'COORDINATION_CONNECTION_LOSS',
          `${call.what}: the connection ended before the reply`,
          { outcome: call.readOnly ? 'not-executed' : 'unknown', cause: reason },
        ),
      )
  }

  // What arrives.

  #frame(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    this.#machine.received(this.#clock.monotonicMs())
    if (!this.#handshaken) {
      this.#handshakeAnswered(reader)
      return
    }
    const xid = reader.int32()
    const zxid = reader.int64()
    const error = reader.int32()
    if (zxid > this.#lastZxid) this.#lastZxid = zxid
    if (xid === RESERVED_XID.NOTIFICATION) this.#event(reader)
    else if (xid === RESERVED_XID.PING) this.#acknowledged(this.#pingsSentMs.shift())
    else if (xid === RESERVED_XID.SET_WATCHES) this.#watchesSet(zxid)
    else if (xid === this.#closeXid) this.#step((nowMs, out) => this.#machine.sessionClosed(nowMs, out))
    else this.#reply(xid, error, reader)
  }

  #handshakeAnswered(reader: ByteReader): void {
    const { sessionId, password, timeoutMs } = readConnectResponse(reader)
    this.#handshaken = true
    this.#connection!.established()
    if (timeoutMs <= 0) this.#step((nowMs, out) => this.#machine.refused(nowMs, out))
    else {
      const session = { id: sessionId, password: new Uint8Array(password ?? []), timeoutMs }
      this.#step((nowMs, out) => this.#machine.accepted(nowMs, session, out))
    }
  }

  #acknowledged(sentMs: number | undefined): void {
    if (sentMs !== undefined) this.#machine.acknowledged(sentMs)
  }

  #reply(xid: number, error: number, reader: ByteReader): void {
    const call = this.#calls.shiftSent()
    if (call === undefined || call.xid !== xid)
      throw coordinationError(
        'COORDINATION_PROTOCOL_VIOLATION',
        `the server answered request ${xid}; ${call === undefined ? 'none is' : `${call.xid} (${call.what}) is next`}`,
      )
    this.#machine.acknowledged(call.sentMs)
    call.replied(error, reader)
  }

  #event(reader: ByteReader): void {
    const { type, path } = watcherEvent.read(reader)
    const event = EVENT_NAMES.get(type)
    if (event !== undefined) this.#fire({ type: event, path }, this.watches.take(event, path))
  }

  /** A server whose history ends before what was seen has lost some: every watch may have missed something. */
  #watchesSet(zxid: bigint): void {
    const seen = this.#watchZxids.shift()
    if (seen === undefined || zxid >= seen) return
    this.#lastZxid = zxid
    for (const { event, listeners } of this.watches.takeAll()) this.#fire(event, listeners)
  }

  #fire(event: WatchEvent, listeners: ReadonlySet<WatchListener>): void {
    const path = event.path.slice(this.#url.chroot.length) || '/'
    for (const listener of listeners) callListener(() => listener({ type: event.type, path }))
  }

  // Time.

  #arm(nowMs: number): void {
    const wakeAtMs = this.#machine.wakeAtMs(nowMs) ?? Number.POSITIVE_INFINITY
    this.#armAt(Math.min(wakeAtMs, this.#calls.nextDeadlineMs() ?? Number.POSITIVE_INFINITY))
  }

  #armAt(dueMs: number): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerDueMs = dueMs
    if (dueMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()))
    // A late timer runs before the sockets are read: nobody is judged until they have been.
    this.#timer = this.#timers.after(delayMs, () => setImmediate(() => this.#tick()))
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const call of this.#calls.expired(nowMs)) call.fail(this.#timeoutError(call))
    this.#calls.dropSettledWaiting()
    this.#step((now, out) => this.#machine.tick(now, this.#oldestUnansweredMs(), out))
  }

  #oldestUnansweredMs(): number | undefined {
    const call = this.#calls.oldestSentMs
    const pinged = this.#pingsSentMs[0]
    if (call === undefined || pinged === undefined) return call ?? pinged
    return Math.min(call, pinged)
  }

  #timeoutError(call: Call): Error {
    if (call.frame !== undefined) return this.#unreachable(call.what, call.timeoutMs)
    return coordinationError(
      'COORDINATION_REQUEST_TIMEOUT',
      `${call.what}: no reply within ${call.timeoutMs} ms`,
      { outcome: call.readOnly ? 'not-executed' : 'unknown' },
    )
  }

  #unreachable(what: string, timeoutMs: number): Error {
    const hosts = this.#url.hosts.map(formatAddress).join(', ')
    return coordinationError(
      'COORDINATION_REQUEST_TIMEOUT',
      `${what}: no session with ${hosts} within ${timeoutMs} ms`,
      { outcome: 'not-executed', cause: this.#lastFailure },
    )
  }
}

const EVENT_NAMES: ReadonlyMap<number, WatchEvent['type']> = new Map([
  [EVENT_TYPE.CREATED, 'created'],
  [EVENT_TYPE.DELETED, 'deleted'],
  [EVENT_TYPE.DATA_CHANGED, 'data-changed'],
  [EVENT_TYPE.CHILDREN_CHANGED, 'children-changed'],
])

function closedError(what: string): Error {
  return coordinationError('COORDINATION_CLOSED', `${what}: the client is closed`)
}

/** An application's listener must not break the connection that calls it; its error is the application's. */
function callListener(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
