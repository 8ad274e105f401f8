import type { FenbuError } from '../base/index.ts'
import type { Connection } from './connection.ts'

/** How the bytes of a protocol fall into frames. */
export interface Protocol {
  /** Shown in errors and statistics. */
  readonly name: string
  /**
   * Length in bytes of the frame that starts at `start`, its header included: 0 while the bytes in [start, end) do
   * not yet say it. May exceed what has arrived. Throws a typed error for bytes that can be no frame.
   */
  frameLength(bytes: Uint8Array, start: number, end: number): number
}

/** What a protocol does with a connection. Calls come in order; after `closed` there are none. */
export interface ConnectionHandler {
  /** One whole frame in [start, end). The memory is the connection's: copy what outlives the call. */
  frame(bytes: Uint8Array, start: number, end: number): void
  /** All frames that arrived together were handled: the moment to propose or write as one batch. */
  batchEnd?(): void
  /** The peer took what was unsent after the connection had been `choked`, or the last unsent byte left. */
  writable?(): void
  /** A frame was refused (`frameLength` or `frame` threw a typed error): a last word to the peer may be written. */
  refused?(error: FenbuError): void
  /** This side is going away: stop accepting work, finish what is under way, then `connection.end()`. */
  drain?(): void
  /** The connection is gone; `reason.code` says why. */
  closed(reason: FenbuError): void
}

/** A protocol that a listener serves, and how its connections are taken. */
export interface Service {
  readonly protocol: Protocol
  /**
   * Whether the first bytes of a connection belong to this protocol; undefined while they do not yet say.
   * Needed only where one port serves several protocols.
   */
  recognises?(bytes: Uint8Array): boolean | undefined
  accept(connection: Connection): ConnectionHandler
}
