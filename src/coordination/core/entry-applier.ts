import { isFenbuError } from '../../base/index.ts'
import { ByteReader, ByteWriter } from '../../bytes/index.ts'
import type { Entry } from '../../consensus/index.ts'
import { COMMAND, ENTRY_VERSION } from './commands.ts'
import { operationByCode } from './operations/by-code.ts'
import type { CoordinationOutput } from './output.ts'
import { SessionState, sessionId } from './session.ts'
import type { CoordinationState } from './state.ts'
import { OperationTransaction } from './transaction.ts'
import { ERROR_CODE, type ErrorCode } from './wire/error-code.ts'
import { PASSWORD_BYTES } from './wire/handshake.ts'
import { EVENT_TYPE } from './wire/watch-event.ts'
import { nextZxid, type Zxid } from './zxid.ts'

const NO_BYTES = new Uint8Array(0)

/** Applies the commands of an entry to a state. Any bytes whatever are an entry: what is no command is ignored. */
export class EntryApplier {
  readonly #commands: ByteReader = new ByteReader(NO_BYTES)
  readonly #request: ByteReader = new ByteReader(NO_BYTES)
  readonly #reply: ByteWriter = new ByteWriter(512)

  apply(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    if (entry.data.length === 0) return
    const commands = this.#commands
    commands.reset(entry.data)
    if (commands.uint8() !== ENTRY_VERSION) {
      out.ignored('entry-version')
      return
    }
    try {
      while (commands.remaining > 0) this.#command(commands.uint8(), entry, state, out)
    } catch (error) {
      if (!isMalformed(error)) throw error
      out.ignored('malformed-command')
    }
  }

  #command(type: number, entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    if (type === COMMAND.OPERATION) this.#operation(entry, state, out)
    else if (type === COMMAND.CONNECT) this.#connect(entry, state, out)
    else if (type === COMMAND.RESUME) this.#resume(entry, state, out)
    else if (type === COMMAND.CLOSE) this.#close(entry, state, out)
    else if (type === COMMAND.EXPIRE) this.#expire(entry, state, out)
    else {
      out.ignored('unknown-command')
      this.#commands.skip(this.#commands.remaining)
    }
  }

  #operation(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    const commands = this.#commands
    const high = commands.uint32()
    const low = commands.uint32()
    const generation = commands.counter()
    const number = commands.counter()
    const code = commands.int32()
    const length = commands.int32()
    const start = commands.offset
    commands.skip(length)
    const session = admitted(high, low, generation, number, state, out)
    if (session === undefined) return
    const zxid = take(entry, state)
    state.sessions.advance(session, entry.index, leaseOf(entry))
    this.#request.reset(entry.data, start, start + length)
    this.#reply.reset()
    const transaction = new OperationTransaction(state.tree, session, zxid, entry.wallMs)
    const error = applyOperation(code, this.#request, transaction, this.#reply)
    transaction.tell(out)
    out.replied(
      session,
      generation,
      number,
      zxid,
      error,
      error === ERROR_CODE.OK ? this.#reply.view() : NO_BYTES,
    )
  }

  #connect(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    const { high, low, password, timeoutMs, ticket } = this.#connectFields()
    if (isNobody(high, low) || state.sessions.get(high, low) !== undefined) {
      out.sessionRefused(sessionId(high, low), ticket, 'session-exists')
      return
    }
    const zxid = take(entry, state)
    const session = new SessionState(high, low, password.slice(), timeoutMs, entry.index, leaseOf(entry))
    state.sessions.add(session)
    out.sessionOpened(session, ticket, zxid)
  }

  /** The password is checked before the former connection loses anything. */
  #resume(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    const { high, low, password, timeoutMs, ticket } = this.#connectFields()
    const session = state.sessions.get(high, low)
    if (session === undefined || !session.hasPassword(password)) {
      const reason = session === undefined ? 'unknown-session' : 'wrong-password'
      out.sessionRefused(sessionId(high, low), ticket, reason)
      return
    }
    state.sessions.resume(session, timeoutMs, entry.index, leaseOf(entry))
    out.sessionResumed(session, ticket, state.zxid)
  }

  #close(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    const commands = this.#commands
    const high = commands.uint32()
    const low = commands.uint32()
    const generation = commands.counter()
    const number = commands.counter()
    const session = admitted(high, low, generation, number, state, out)
    if (session === undefined) return
    const zxid = endSession(session, entry, state, out)
    out.replied(session, generation, number, zxid, ERROR_CODE.OK, NO_BYTES)
    out.sessionClosed(session, 'closed', zxid)
  }

  /** Void if the session did anything that the leader had not seen when it decided. */
  #expire(entry: Entry, state: CoordinationState, out: CoordinationOutput): void {
    const commands = this.#commands
    const high = commands.uint32()
    const low = commands.uint32()
    const lastSeenIndex = commands.counter()
    const session = state.sessions.get(high, low)
    if (session === undefined || session.lastIndex > lastSeenIndex) return
    out.sessionClosed(session, 'expired', endSession(session, entry, state, out))
  }

  #connectFields(): {
    high: number
    low: number
    password: Uint8Array
    timeoutMs: number
    ticket: number
  } {
    const commands = this.#commands
    return {
      high: commands.uint32(),
      low: commands.uint32(),
      password: commands.bytes(PASSWORD_BYTES),
      timeoutMs: commands.int32(),
      ticket: commands.counter(),
    }
  }
}

/** 0 is the owner of a node that stays, so no session may have it. */
function isNobody(high: number, low: number): boolean {
  return high === 0 && low === 0
}

/** The session, if this write may be applied: so those of a connection are a prefix of what it sent. */
function admitted(
  high: number,
  low: number,
  generation: number,
  number: number,
  state: CoordinationState,
  out: CoordinationOutput,
): SessionState | undefined {
  const session = state.sessions.get(high, low)
  if (session?.generation === generation && session.nextNumber === number) return session
  if (session === undefined) out.refused(sessionId(high, low), generation, number, 'unknown-session')
  else
    out.refused(
      session.id,
      generation,
      number,
      session.generation === generation ? 'out-of-order' : 'session-moved',
    )
  return undefined
}

function take(entry: Entry, state: CoordinationState): Zxid {
  state.zxid = nextZxid(state.zxid, entry.epoch)
  return state.zxid
}

/** Replicated time in whole milliseconds, as it is kept. */
function leaseOf(entry: Entry): number {
  return Math.max(0, Math.trunc(entry.leaseMs))
}

function applyOperation(
  code: number,
  request: ByteReader,
  transaction: OperationTransaction,
  reply: ByteWriter,
): ErrorCode {
  const operation = operationByCode(code)
  if (operation?.kind !== 'write') return ERROR_CODE.UNIMPLEMENTED
  let decoded: unknown
  try {
    decoded = operation.request.read(request)
  } catch (error) {
    if (!isMalformed(error)) throw error
    return ERROR_CODE.MARSHALLING
  }
  return operation.apply(decoded, transaction, reply)
}

/** Deletes the session and its ephemerals under one zxid. */
function endSession(
  session: SessionState,
  entry: Entry,
  state: CoordinationState,
  out: CoordinationOutput,
): Zxid {
  const zxid = take(entry, state)
  const stamp = { zxid, wallMs: entry.wallMs }
  for (const path of session.ephemerals) {
    const node = state.tree.get(path)
    if (node === undefined) continue
    const parentAcl = state.tree.parentOf(node).acl
    state.tree.delete(node, stamp)
    out.changed({ type: EVENT_TYPE.DELETED, path, zxid, acl: node.acl, parentAcl })
  }
  state.sessions.delete(session)
  return zxid
}

function isMalformed(error: unknown): boolean {
  return isFenbuError(error) && error.code.startsWith('BYTES_')
}
