import type { AclList } from './acl-table.ts'
import type { Session } from './session.ts'
import type { ChangeType } from './wire/watch-event.ts'
import type { Zxid } from './zxid.ts'

/** One change of the tree, with what deciding who may hear of it needs. */
export interface NodeChange {
  readonly type: ChangeType
  readonly path: string
  readonly zxid: Zxid
  /** The node's, also if it is gone now. */
  readonly acl: AclList
  /** Its parent's, where the node came or went. */
  readonly parentAcl: AclList | undefined
}

/** Why a connect or a resume was refused. */
export type SessionRefusal = 'unknown-session' | 'wrong-password' | 'session-exists'

/**
 * Why a write or a close was not applied, and never will be: its session has ended, was taken over by another
 * connection, or an earlier write of the connection was lost. The connection has to be closed.
 */
export type WriteRefusal = 'unknown-session' | 'session-moved' | 'out-of-order'

/**
 * What an applied entry did, told in the order in which it must become visible: a change comes before the reply
 * that shows it. Every node of a cluster is told everything; each acts for its own connections.
 */
export interface CoordinationOutput {
  /** A node came, went, or has other data: hand it to `Watches`. */
  changed(change: NodeChange): void
  /**
   * A write or a close was applied, or failed for everyone to see: the reply of request `number`. `body` is empty
   * unless `error` is 0, and valid only during the call.
   */
  replied(
    session: Session,
    generation: number,
    number: number,
    zxid: Zxid,
    error: number,
    body: Uint8Array,
  ): void
  /** A write or close that had no effect and took no zxid. */
  refused(sessionId: bigint, generation: number, number: number, reason: WriteRefusal): void
  sessionOpened(session: Session, ticket: number, zxid: Zxid): void
  /** Another connection has it now: `session.generation` was raised, connections of a lower one are void. */
  sessionResumed(session: Session, ticket: number, zxid: Zxid): void
  sessionRefused(sessionId: bigint, ticket: number, reason: SessionRefusal): void
  /** The session and its ephemerals are gone; their changes were told before. */
  sessionClosed(session: Session, reason: 'closed' | 'expired', zxid: Zxid): void
  /** Bytes in an entry that are no command of this version; the rest of the entry is skipped on every node alike. */
  ignored(reason: string): void
}
