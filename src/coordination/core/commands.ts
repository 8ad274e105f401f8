import { assert } from '../../base/index.ts'
import { ByteWriter } from '../../bytes/index.ts'
import type { Session } from './session.ts'
import { PASSWORD_BYTES } from './wire/handshake.ts'

/** First byte of an entry. */
export const ENTRY_VERSION = 1

/** First byte of each command in an entry. Numbers are never reused: they are on disk. */
export const COMMAND = { CONNECT: 1, RESUME: 2, CLOSE: 3, EXPIRE: 4, OPERATION: 5 } as const

export interface ConnectCommand {
  /** Random, above 0 and below 2^63: chosen by the host, or what the client showed. */
  readonly sessionId: bigint
  /** 16 random bytes for a new session; what the client showed for a resumed one. */
  readonly password: Uint8Array
  readonly timeoutMs: number
  /** A safe integer that no host uses twice: comes back with the outcome. */
  readonly ticket: number
}

/**
 * Builds the data of one log entry: commands in the order in which they will be applied. One entry per proposal
 * carries whatever arrived meanwhile.
 *
 * ```
 * entry     = u8 version, command*
 * connect   = u8 1, i64 session, 16 bytes password, i32 timeoutMs, u64 ticket      resume = u8 2, the same
 * close     = u8 3, i64 session, u64 generation, u64 number
 * expire    = u8 4, i64 session, u64 lastSeenIndex
 * operation = u8 5, i64 session, u64 generation, u64 number, i32 code, i32 length, request
 * ```
 */
export class CommandBatch {
  readonly #writer: ByteWriter = new ByteWriter(1024)
  #count = 0

  /** Commands since the last `take`. */
  get count(): number {
    return this.#count
  }

  /** Bytes that `take` would hand out. */
  get bytes(): number {
    return this.#writer.length
  }

  /** Opens a session. Ends in `sessionOpened`, or `sessionRefused` if the id is in use. */
  connect(command: ConnectCommand): void {
    assert(command.sessionId > 0n, `a session id is above 0, not ${command.sessionId}`)
    this.#begin(COMMAND.CONNECT)
    this.#connectFields(command)
  }

  /** Takes a session over. Ends in `sessionResumed` or `sessionRefused`. */
  resume(command: ConnectCommand): void {
    this.#begin(COMMAND.RESUME)
    this.#connectFields(command)
  }

  /** Closes a session, in order with its writes. Ends in `sessionClosed` and `replied`, or `refused`. */
  close(session: Session, generation: number, number: number): void {
    this.#begin(COMMAND.CLOSE)
    this.#sessionFields(session, generation, number)
  }

  /** Ends a session whose lease ran out, unless it did something after entry `lastSeenIndex`. */
  expire(session: Session, lastSeenIndex: number): void {
    this.#begin(COMMAND.EXPIRE)
    this.#id(session)
    this.#writer.counter(lastSeenIndex)
  }

  /**
   * A client's write. `generation` is the one the connection was opened with, `number` counts its writes and
   * closes from 1, `request` is the packet after its header. Ends in `replied` or `refused`.
   */
  operation(session: Session, generation: number, number: number, code: number, request: Uint8Array): void {
    this.#begin(COMMAND.OPERATION)
    this.#sessionFields(session, generation, number)
    this.#writer.int32(code)
    this.#writer.int32(request.length)
    this.#writer.bytes(request)
  }

  /** The entry's data; the batch starts over. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#writer.length === 0) this.#writer.uint8(ENTRY_VERSION)
    this.#count = 0
    return this.#writer.copyAndReset()
  }

  #begin(command: number): void {
    if (this.#writer.length === 0) this.#writer.uint8(ENTRY_VERSION)
    this.#writer.uint8(command)
    this.#count += 1
  }

  #connectFields(command: ConnectCommand): void {
    assert(command.password.length === PASSWORD_BYTES, 'a session password has 16 bytes')
    this.#writer.int64(command.sessionId)
    this.#writer.bytes(command.password)
    this.#writer.int32(command.timeoutMs)
    this.#writer.counter(command.ticket)
  }

  #sessionFields(session: Session, generation: number, number: number): void {
    this.#id(session)
    this.#writer.counter(generation)
    this.#writer.counter(number)
  }

  #id(session: Session): void {
    this.#writer.uint32(session.idHigh)
    this.#writer.uint32(session.idLow)
  }
}
