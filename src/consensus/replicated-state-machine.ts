import type { Entry } from './replicated-log.ts'

/**
 * State that is a function of the entries applied to it, and of nothing else: no clock, no randomness, no
 * configuration that is not itself an entry. So it is the same on every node.
 *
 * `Output` is the machine's own interface of plain methods; `apply` tells it what happened (a reply, an event, a
 * session closed) and never reads from it.
 */
export interface ReplicatedStateMachine<Output> {
  /** Rules that this code can follow; entries raise the level in force when every member supports it. */
  readonly level: number
  /** Applies the entry after the last one applied. Must not throw for any bytes that were ever proposed. */
  apply(entry: Entry, out: Output): void
  /** Freezes the present state, copy on write: later `apply` calls do not show in it. One at a time. */
  snapshot(): SnapshotCursor
  /** Builds a state aside; the present one stays in force until `finish`. */
  restore(): SnapshotLoader
  /** A rolling digest of the state: equal states, equal digests. Compared across nodes and with snapshots. */
  digest(): number
}

export interface SnapshotCursor {
  /** About `bytes` more of the frozen state (a whole number of records, at least one); undefined at its end. */
  next(bytes: number): Uint8Array | undefined
  /** Lets the frozen state go; needed whether or not it was read to the end. */
  close(): void
}

export interface SnapshotLoader {
  /** Takes the chunks of a cursor in their order. Throws a typed error if they are not a snapshot. */
  add(chunk: Uint8Array): void
  /** Swaps the loaded state in. Throws, leaving the present state, if chunks are missing. */
  finish(): void
}
