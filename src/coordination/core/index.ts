export type { AclList } from './acl-table.ts'
export { CommandBatch, type ConnectCommand } from './commands.ts'
export {
  COORDINATION_ERRORS,
  type CoordinationErrorCode,
  coordinationError,
  errorCodeName,
  replyError,
} from './errors.ts'
export { CoordinationMachine } from './machine.ts'
export type { Node } from './node.ts'
export { OPERATIONS, operationByCode } from './operations/by-code.ts'
export { CREATE_FLAGS } from './operations/create.ts'
export * as operations from './operations/index.ts'
export type { MultiPart, MultiResult } from './operations/multi.ts'
export type {
  AnyOperation,
  Operation,
  OperationKind,
  ReadContext,
  ReadOperation,
  WriteOperation,
} from './operations/operation.ts'
export { ANY_VERSION } from './operations/requests.ts'
export type { CoordinationOutput, NodeChange, SessionRefusal, WriteRefusal } from './output.ts'
export { isValidPath, parentPath, sequenceSuffix } from './path.ts'
export type { Session } from './session.ts'
export { SessionLeases } from './session-leases.ts'
export type { Tree } from './tree.ts'
export { Watches, type WatchOutput } from './watches.ts'
export * from './wire/acl.ts'
export { ERROR_CODE, type ErrorCode } from './wire/error-code.ts'
export { FRAME_HEADER_BYTES, frameBytes, MAX_PACKET_BYTES } from './wire/frame.ts'
export {
  type ConnectRequest,
  type ConnectResponse,
  PASSWORD_BYTES,
  readConnectRequest,
  readConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
} from './wire/handshake.ts'
export {
  beginReply,
  endReply,
  RESERVED_XID,
  type ReplyHeader,
  type RequestHeader,
  replyHeader,
  requestHeader,
} from './wire/headers.ts'
export type { JuteRecord, JuteType, JuteVector } from './wire/jute.ts'
export { type Stat, stat } from './wire/stat.ts'
export {
  type ChangeType,
  EVENT_TYPE,
  type EventType,
  KEEPER_STATE,
  type WatcherEvent,
  watcherEvent,
  writeEventFrame,
} from './wire/watch-event.ts'
export { nextZxid, ZXID_ZERO, type Zxid, zxidAfter, zxidFromBigint, zxidToBigint } from './zxid.ts'
