import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../../base/index.ts'
import { ERROR_CODE, type ErrorCode } from './wire/error-code.ts'

/** The names of ZooKeeper's error codes, one to one: `NO_NODE` is -101 on the wire. */
type ReplyErrorCode = `COORDINATION_${Exclude<keyof typeof ERROR_CODE, 'OK'>}`

export type CoordinationErrorCode =
  | ReplyErrorCode
  | 'COORDINATION_PACKET_TOO_LARGE'
  | 'COORDINATION_SNAPSHOT_INVALID'
  | 'COORDINATION_ERROR_CODE_UNKNOWN'
  | 'COORDINATION_CLOSED'
  | 'COORDINATION_TOO_MANY_IN_FLIGHT'
  | 'COORDINATION_TOO_MANY_WATCHES'
  | 'COORDINATION_PROTOCOL_VIOLATION'

/** Errors of coordination: what a server answered, and what keeps a question from being asked. */
export const COORDINATION_ERRORS: ErrorTable<CoordinationErrorCode> = {
  COORDINATION_SYSTEM_ERROR: {
    outcome: 'unknown',
    meaning: 'The server failed inside (-1).',
    remedy: 'Read its log; whether the operation took effect must be checked.',
  },
  COORDINATION_RUNTIME_INCONSISTENCY: {
    outcome: 'not-executed',
    meaning: 'An operation of a multi was not tried because an earlier one failed (-2).',
    remedy: 'Look at the first result of the multi that has another error.',
  },
  COORDINATION_DATA_INCONSISTENCY: {
    outcome: 'unknown',
    meaning: 'The server found its own data inconsistent (-3).',
    remedy: 'Take the server out of service and restore it from another.',
  },
  COORDINATION_CONNECTION_LOSS: {
    outcome: 'unknown',
    meaning: 'The connection ended before the reply came (-4).',
    remedy: 'Read what is there now before trying a change again.',
  },
  COORDINATION_MARSHALLING: {
    outcome: 'not-executed',
    meaning: 'The server could not decode the request (-5).',
    remedy: 'The client is broken or speaks another version.',
  },
  COORDINATION_UNIMPLEMENTED: {
    outcome: 'not-executed',
    meaning: 'The server does not know this operation, or has it switched off (-6).',
    remedy: 'Use a server of a later version, or do without it.',
  },
  COORDINATION_OPERATION_TIMEOUT: {
    outcome: 'unknown',
    meaning: 'The server gave up on the operation after its time limit (-7).',
    remedy: 'Read what is there now before trying a change again.',
  },
  COORDINATION_BAD_ARGUMENTS: {
    outcome: 'not-executed',
    meaning: 'A path, a flag or another argument is not allowed (-8).',
    remedy: 'Paths start with a slash, do not end with one, and have no empty, "." or ".." part.',
  },
  COORDINATION_UNKNOWN_SESSION: {
    outcome: 'not-executed',
    meaning: 'The server knows no such session (-12).',
    remedy: 'Open a new session.',
  },
  COORDINATION_NEW_CONFIG_NO_QUORUM: {
    outcome: 'not-executed',
    meaning: 'Too few servers of the new configuration are in step with the leader (-13).',
    remedy: 'Start them first and let them catch up.',
  },
  COORDINATION_RECONFIG_IN_PROGRESS: {
    outcome: 'not-executed',
    meaning: 'Another change of the configuration is under way (-14).',
    remedy: 'Wait for it to end.',
  },
  COORDINATION_NO_NODE: {
    outcome: 'not-executed',
    meaning: 'The node, or the parent it should be created under, does not exist (-101).',
    remedy: 'Create the parents first; for a read, treat it as absent.',
  },
  COORDINATION_NO_AUTH: {
    outcome: 'not-executed',
    meaning: 'The ACL does not allow this (-102).',
    remedy: 'Authenticate as somebody whom the ACL names.',
  },
  COORDINATION_BAD_VERSION: {
    outcome: 'not-executed',
    meaning: 'The node was changed since the version that the request names (-103).',
    remedy: 'Read it again and decide again.',
  },
  COORDINATION_NO_CHILDREN_FOR_EPHEMERALS: {
    outcome: 'not-executed',
    meaning: 'The parent is ephemeral and cannot have children (-108).',
    remedy: 'Create it under a persistent node.',
  },
  COORDINATION_NODE_EXISTS: {
    outcome: 'not-executed',
    meaning: 'The node exists already (-110).',
    remedy: 'After a lost connection it may be your own: read it.',
  },
  COORDINATION_NOT_EMPTY: {
    outcome: 'not-executed',
    meaning: 'The node has children and cannot be deleted (-111).',
    remedy: 'Delete the children first.',
  },
  COORDINATION_SESSION_EXPIRED: {
    outcome: 'unknown',
    meaning: 'The session ended, and its ephemeral nodes and watches with it (-112).',
    remedy: 'Open a new session and register again.',
  },
  COORDINATION_INVALID_CALLBACK: {
    outcome: 'not-executed',
    meaning: 'The client was handed a callback it cannot use (-113).',
    remedy: 'A mistake in the calling program.',
  },
  COORDINATION_INVALID_ACL: {
    outcome: 'not-executed',
    meaning: 'The ACL is empty, or names a scheme or an identity that the server cannot accept (-114).',
    remedy: 'Give at least one entry, such as world:anyone.',
  },
  COORDINATION_AUTH_FAILED: {
    outcome: 'not-executed',
    meaning: 'The server did not accept the credentials (-115).',
    remedy: 'Check scheme and credentials; the connection was closed.',
  },
  COORDINATION_SESSION_MOVED: {
    outcome: 'not-executed',
    meaning: 'The session goes on over another connection (-118).',
    remedy: 'Use that connection; each session has one.',
  },
  COORDINATION_NOT_READ_ONLY: {
    outcome: 'not-executed',
    meaning: 'A change was sent to a server that only reads (-119).',
    remedy: 'Connect to a server that has a quorum.',
  },
  COORDINATION_EPHEMERAL_ON_LOCAL_SESSION: {
    outcome: 'not-executed',
    meaning: 'A local session cannot own ephemeral nodes (-120).',
    remedy: 'Use a global session.',
  },
  COORDINATION_NO_WATCHER: {
    outcome: 'not-executed',
    meaning: 'There is no such watch to remove (-121).',
    remedy: 'It may have fired already.',
  },
  COORDINATION_REQUEST_TIMEOUT: {
    outcome: 'unknown',
    meaning: 'No reply came within the time limit (-122).',
    remedy: 'Read what is there now before trying a change again.',
  },
  COORDINATION_RECONFIG_DISABLED: {
    outcome: 'not-executed',
    meaning: 'The server does not allow its configuration to be changed (-123).',
    remedy: 'Switch it on in the server.',
  },
  COORDINATION_SASL_REQUIRED: {
    outcome: 'not-executed',
    meaning: 'The server requires SASL authentication (-124).',
    remedy: 'Connect with SASL credentials.',
  },
  COORDINATION_QUOTA_EXCEEDED: {
    outcome: 'not-executed',
    meaning: 'The change would break a hard quota (-125).',
    remedy: 'Delete something under the quota, or raise it.',
  },
  COORDINATION_THROTTLED: {
    outcome: 'not-executed',
    meaning: 'The server dropped the request because it is overloaded (-127).',
    remedy: 'Try again later.',
  },
  COORDINATION_PACKET_TOO_LARGE: {
    outcome: 'not-executed',
    meaning: 'A packet has a negative length or one above the limit.',
    remedy: 'Store less in one node or list fewer at once; the connection was closed.',
  },
  COORDINATION_SNAPSHOT_INVALID: {
    outcome: 'not-executed',
    meaning: 'Bytes given as a snapshot are incomplete, damaged, or of another version.',
    remedy: 'Take the snapshot of another server.',
  },
  COORDINATION_ERROR_CODE_UNKNOWN: {
    outcome: 'unknown',
    meaning: 'The server answered with an error code that this client does not know.',
    remedy: 'The message names the code; look it up in the documentation of that server.',
  },
  COORDINATION_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The client was closed before the request was sent.',
    remedy: 'Do not use a client after close().',
  },
  COORDINATION_TOO_MANY_IN_FLIGHT: {
    outcome: 'not-executed',
    meaning: 'More calls, or more bytes of calls, are under way than the client allows.',
    remedy: 'Wait for some of them, or raise maxCalls and maxCallBytes.',
  },
  COORDINATION_TOO_MANY_WATCHES: {
    outcome: 'unknown',
    meaning: 'A connection watches more than the server keeps for one; it was closed.',
    remedy: 'Watch a parent instead of each child, use more connections, or raise maxWatchBytes.',
  },
  COORDINATION_PROTOCOL_VIOLATION: {
    outcome: 'unknown',
    meaning: 'The server answered what was not asked; the connection was closed.',
    remedy: 'Check that the address is that of a coordination server.',
  },
}

export const coordinationError: (
  code: CoordinationErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<CoordinationErrorCode> = errorFactory(COORDINATION_ERRORS)

const nameOfCode: ReadonlyMap<number, CoordinationErrorCode> = new Map(
  Object.entries(ERROR_CODE)
    .filter(([name]) => name !== 'OK')
    .map(([name, code]) => [code, `COORDINATION_${name}` as CoordinationErrorCode]),
)

/** `COORDINATION_NO_NODE` for -101; `COORDINATION_ERROR_CODE_UNKNOWN` for a number ZooKeeper does not define. */
export function errorCodeName(code: ErrorCode | number): CoordinationErrorCode {
  return nameOfCode.get(code) ?? 'COORDINATION_ERROR_CODE_UNKNOWN'
}

/** The error for a reply's code: `replyError(-101, 'getData /a')` says `getData /a: NO_NODE (-101)`. */
export function replyError(code: number, what: string): FenbuError<CoordinationErrorCode> {
  const name = errorCodeName(code)
  return coordinationError(name, `${what}: ${name.slice('COORDINATION_'.length)} (${code})`)
}
