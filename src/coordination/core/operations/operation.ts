import type { ByteWriter } from '../../../bytes/index.ts'
import type { Node } from '../node.ts'
import type { Session, SessionState } from '../session.ts'
import type { Stamp, Tree } from '../tree.ts'
import type { ErrorCode } from '../wire/error-code.ts'
import type { JuteType } from '../wire/jute.ts'
import type { ChangeType, EventType } from '../wire/watch-event.ts'

/**
 * How a server treats a request: `read` is answered from the local tree; `watch` likewise, but its events precede
 * its reply; `write` and `close` go through the log; `sync` waits for the log; `ping` and `auth` concern only the
 * connection.
 */
export type OperationKind = 'read' | 'watch' | 'write' | 'sync' | 'ping' | 'auth' | 'close'

/** One operation of the protocol. Its file says all there is to say about it. */
export interface Operation<Request, Reply> {
  readonly name: string
  /** The type in a RequestHeader. */
  readonly code: number
  readonly kind: OperationKind
  readonly request: JuteType<Request>
  /** Body of a reply without error. */
  readonly reply: JuteType<Reply>
  /** Codes it may answer with, besides OK and MARSHALLING for a malformed request. */
  readonly errors: readonly ErrorCode[]
  /** Whether it may be part of a multi or of a multiRead. */
  readonly partOf?: 'multi' | 'multiRead'
}

/** The connection that reads: where its watches are kept. */
export interface ReadContext {
  readonly session: Session
  /** One-shot watch for creation, deletion and change of the data. */
  watchData(path: string): void
  /** One-shot watch for deletion and change of the list of children. */
  watchChildren(path: string): void
  /** Sends an event at once: for watches that were missed. Called only by operations of kind `watch`. */
  notify(type: EventType, path: string): void
}

export interface ReadOperation<Request, Reply> extends Operation<Request, Reply> {
  readonly kind: 'read' | 'watch'
  /** Writes the reply's body. With an error, what it wrote is dropped by the caller. */
  read(request: Request, tree: Tree, context: ReadContext, reply: ByteWriter): ErrorCode
}

/** One client write while it is applied. */
export interface Transaction extends Stamp {
  readonly tree: Tree
  readonly session: SessionState
  /**
   * Told after each change; watches fire when the whole operation has succeeded, in this order. `parent` where
   * its list of children changed.
   */
  changed(type: ChangeType, node: Node, parent?: Node): void
  /** From here on `rollback` takes everything back: for an operation made of several. */
  begin(): void
  commit(): void
  /** Takes back the changes, and what was said about them. */
  rollback(): void
}

export interface WriteOperation<Request, Reply> extends Operation<Request, Reply> {
  readonly kind: 'write'
  /**
   * Checks everything in ZooKeeper's order, then changes the tree and writes the reply's body. A refusal has
   * changed nothing.
   */
  apply(request: Request, transaction: Transaction, reply: ByteWriter): ErrorCode
  /** What it is carried out and answered as inside a multi, if not as itself; its request is the same. */
  readonly withinMulti?: WriteOperation<Request, unknown>
}

/** For callers that know an operation only by its code. */
export type AnyOperation =
  | ReadOperation<unknown, unknown>
  | WriteOperation<unknown, unknown>
  | (Operation<unknown, unknown> & { readonly kind: 'sync' | 'ping' | 'auth' | 'close' })
