import type { Health } from './health.ts'

/** One instance of a service as governance sees it. */
export interface Member {
  /** Share of the calls relative to the others; 0 takes none. */
  readonly weight: number
  /** Shared by all members at one address. */
  readonly health: Health
}
