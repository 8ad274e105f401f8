/** One process that provides a service, as its registration says. */
export interface Instance {
  /** Unique for each registration: a restarted process is another instance. */
  readonly id: string
  readonly service: string
  /** Where its RPC server listens. */
  readonly host: string
  readonly port: number
  /** Semantic version of the service it provides, such as `1.2.0`. */
  readonly version: string
  /** Separates sets of instances that must not see each other, such as regions or tenants. Default `default`. */
  readonly group: string
  /** Share of the calls relative to the others, 0 to 10 000; 0 takes no new calls. Default 100. */
  readonly weight: number
  /** Where it runs, for callers that prefer near instances; empty if unknown. */
  readonly zone: string
  /** `draining`: finishes what it has, takes nothing new. */
  readonly state: InstanceState
  /** Wall clock of the registration, ms, for display and warm-up. */
  readonly registeredMs: number
  readonly metadata: Readonly<Record<string, string>>
}

export type InstanceState = 'up' | 'draining'

/**
 * `live`: as the registry says now. `cached`: from the cache file, the registry did not answer yet.
 * `kept`: the registry lost the connection, or sent a list that looks like a loss of its own; this is the last
 * good one (with what is new in the doubtful one).
 */
export type ListSource = 'live' | 'cached' | 'kept'

/** All instances of a service at one moment. */
export interface InstanceList {
  readonly service: string
  /** Counts up with every change (of the instances or the source) that this process has seen, from 1. */
  readonly revision: number
  /** In the order of their ids. */
  readonly instances: readonly Instance[]
  readonly source: ListSource
}

/** What a provider says of itself; the rest has defaults. */
export interface InstanceDescription {
  readonly service: string
  readonly host: string
  readonly port: number
  /** Default `1.0.0`. */
  readonly version?: string
  /** Default `default`. */
  readonly group?: string
  /** Default 100. */
  readonly weight?: number
  /** Default empty. */
  readonly zone?: string
  /** Default none. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** What may change while an instance is registered. */
export interface InstanceChange {
  readonly weight?: number
  readonly state?: InstanceState
}
