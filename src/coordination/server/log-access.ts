import type { ProposalEnd } from '../../consensus/index.ts'

/** What the coordinator needs of the log that its machine is applied from. */
export interface LogAccess {
  /** Longest `data` that it takes. */
  readonly maxEntryBytes: number
  /**
   * Proposes an entry. `ended` is called once, after the entry was applied if it was committed; rejected or unknown
   * ends mean that its commands must not be waited for. Returns false, and calls nobody, if there is no room for it
   * now and may be later.
   */
  propose(data: Uint8Array, ended: (end: ProposalEnd) => void): boolean
  /** Calls `ready` once everything agreed by now is applied here, with a reason if that cannot be known. */
  barrier(ready: (failure?: string) => void): void
}
