import type { FenbuError } from '../../base/index.ts'
import type { CoordinationErrorCode, Operation } from '../core/index.ts'
import type { ClientState } from './session-machine.ts'

export type CreateMode = 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential'

/** What the server knows of a node. */
export interface Stat {
  /** Transaction that created the node: rises over all nodes, so it serves as a fencing token. */
  readonly czxid: bigint
  /** Transaction of the last change of the data. */
  readonly mzxid: bigint
  /** Transaction of the last creation or deletion of a child. */
  readonly pzxid: bigint
  /** Wall clock of the server, ms since 1970, for display. */
  readonly ctimeMs: number
  readonly mtimeMs: number
  /** Changes of the data since the creation. */
  readonly version: number
  /** 2 · (children ever created) − (children now). */
  readonly cversion: number
  readonly aversion: number
  /** Session that the node ends with; 0 for one that stays. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly childCount: number
}

export interface WatchEvent {
  readonly type: 'created' | 'deleted' | 'data-changed' | 'children-changed'
  readonly path: string
}

/** Called once, before any reply that shows the change. What it throws becomes an uncaught exception. */
export type WatchListener = (event: WatchEvent) => void

export interface CallOptions {
  /** Aborting rejects with the signal's reason; a change already sent may still happen. */
  readonly signal?: AbortSignal
  /** Default: the client's `callTimeoutMs`. */
  readonly timeoutMs?: number
}

export interface WatchOptions extends CallOptions {
  readonly watch?: WatchListener
}

export interface CreateOptions extends CallOptions {
  /** Default `persistent`. */
  readonly mode?: CreateMode
}

export interface VersionOptions extends CallOptions {
  /** Only if the data has this version; by default any. */
  readonly version?: number
}

export type MultiOperation =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array
      readonly mode?: CreateMode
    }
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'set'; readonly path: string; readonly data: Uint8Array; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }

export type MultiResult =
  | {
      readonly type: 'create'
      readonly path: string
      /** Undefined on ZooKeeper 3.8, which leaves it out here. */
      readonly stat: Stat | undefined
    }
  | { readonly type: 'set'; readonly stat: Stat }
  | { readonly type: 'delete' | 'check' }

/** A multi that failed: nothing of it was applied. */
export interface MultiError extends FenbuError<CoordinationErrorCode> {
  /** Which operation was the cause, counted from 0. */
  readonly index: number
}

export interface Session {
  readonly id: bigint
  /** As the server granted it, ms. */
  readonly timeoutMs: number
  /** 1 for the first session of this client, one more for each new one. */
  readonly count: number
}

/** An operation that an application may ask for; the others belong to the connection. */
export type CallableOperation<Request, Reply> = Operation<Request, Reply> & {
  readonly kind: 'read' | 'watch' | 'write' | 'sync'
}

/**
 * A client of any server that speaks the ZooKeeper protocol. It keeps one session: reconnects and resumes it by
 * itself, and opens a new one when it is lost. Calls are sent at once and answered in order; calls made without a
 * connection wait for one, up to their time limit. A call never crosses from a lost session to the next.
 *
 * Reads whose connection ends are sent again over the next. Every call may fail with `COORDINATION_CONNECTION_LOSS`
 * (a write was sent and the connection ended before the reply, or a read met that again and again),
 * `COORDINATION_REQUEST_TIMEOUT`, `COORDINATION_SESSION_EXPIRED`, `COORDINATION_TOO_MANY_IN_FLIGHT` and
 * `COORDINATION_CLOSED`; `outcome` says whether it may be tried again.
 */
export interface CoordinationClient {
  /**
   * `connecting`: no session yet. `suspended`: the connection is gone, the session may live on. `lost`: the session
   * and its ephemeral nodes are to be given up; said by this side's own clock, before the server says it.
   */
  readonly state: ClientState
  readonly session: Session | undefined
  /** Calls the listener with every later state; returns what unsubscribes it. */
  onState(listener: (state: ClientState) => void): () => void
  /** Resolves once a session is connected. */
  ready(options?: CallOptions): Promise<void>
  /** Creates a node that anyone may use. Fails with `COORDINATION_NODE_EXISTS`, `COORDINATION_NO_NODE` (no parent). */
  create(path: string, data: Uint8Array, options?: CreateOptions): Promise<{ path: string; stat: Stat }>
  /** Fails with `COORDINATION_NO_NODE`, `COORDINATION_NOT_EMPTY`, `COORDINATION_BAD_VERSION`. */
  delete(path: string, options?: VersionOptions): Promise<void>
  /** The watch is set whether the node is there or not. */
  exists(path: string, options?: WatchOptions): Promise<Stat | undefined>
  /** Fails with `COORDINATION_NO_NODE`, and then sets no watch. */
  get(path: string, options?: WatchOptions): Promise<{ data: Uint8Array; stat: Stat }>
  /** Fails with `COORDINATION_NO_NODE`, `COORDINATION_BAD_VERSION`. */
  set(path: string, data: Uint8Array, options?: VersionOptions): Promise<Stat>
  /** Names of the children, in no order. Fails with `COORDINATION_NO_NODE`, and then sets no watch. */
  children(path: string, options?: WatchOptions): Promise<{ children: readonly string[]; stat: Stat }>
  /** All or nothing, in one transaction. Fails with a `MultiError` that names the operation. */
  multi(operations: readonly MultiOperation[], options?: CallOptions): Promise<readonly MultiResult[]>
  /** Waits until the connected server has applied everything that was agreed when it was asked. */
  sync(path: string, options?: CallOptions): Promise<void>
  /**
   * Any operation of the table, in the terms of the protocol:
   * `client.call(operations.getEphemerals, { prefix: null })`. Paths are the server's, with the chroot; a watch that
   * it sets has no listener.
   */
  call<Request, Reply>(
    operation: CallableOperation<Request, Reply>,
    request: Request,
    options?: CallOptions,
  ): Promise<Reply>
  /** The product that one of the servers is: `fenbu 0.1.0 (ZooKeeper 3.8.0)`, `ZooKeeper 3.8.0`. */
  serverVersion(options?: CallOptions): Promise<string>
  /** Waits for the calls under way, ends the session (its ephemeral nodes go), closes. Closing twice is fine. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
