import type { ByteWriter } from '../../../bytes/index.ts'
import type { Zxid } from '../zxid.ts'
import { boolean, int, type JuteRecord, long, record } from './jute.ts'

/** Xids that no request counts up to; the packet's kind can be told from them. */
export const RESERVED_XID = { NOTIFICATION: -1, PING: -2, AUTH: -4, SET_WATCHES: -8 } as const

export interface RequestHeader {
  readonly xid: number
  /** An operation's code. */
  readonly type: number
}

export const requestHeader: JuteRecord<RequestHeader> = record('RequestHeader', { xid: int, type: int })

export interface ReplyHeader {
  readonly xid: number
  /** The last transaction the server had applied; 0 in an auth reply, -1 in an event and after a bad op code. */
  readonly zxid: bigint
  /** The body follows only if this is 0. */
  readonly error: number
}

export const replyHeader: JuteRecord<ReplyHeader> = record('ReplyHeader', {
  xid: int,
  zxid: long,
  error: int,
})

/** Opens a reply frame: length and error are filled in by `endReply`, with the position returned here. */
export function beginReply(writer: ByteWriter, xid: number, zxid: Zxid): number {
  const at = writer.length
  writer.int32(0)
  writer.int32(xid)
  writer.int32(zxid.epoch)
  writer.int32(zxid.counter)
  writer.int32(0)
  return at
}

/** Closes the frame that `beginReply` opened at `at`; with an error, whatever body was written is dropped. */
export function endReply(writer: ByteWriter, at: number, error: number): void {
  if (error !== 0) {
    writer.truncate(at + REPLY_BODY_OFFSET)
    writer.setInt32At(at + REPLY_ERROR_OFFSET, error)
  }
  writer.setInt32At(at, writer.length - at - 4)
}

const REPLY_ERROR_OFFSET = 16
const REPLY_BODY_OFFSET = 20

/** Stands before each operation of a multi and before each of its results; the last has `done` and nothing after. */
export interface MultiHeader {
  readonly type: number
  readonly done: boolean
  readonly error: number
}

export const multiHeader: JuteRecord<MultiHeader> = record('MultiHeader', {
  type: int,
  done: boolean,
  error: int,
})

/** Ends a multi's operations and its results. */
export const MULTI_END: MultiHeader = { type: -1, done: true, error: -1 }
