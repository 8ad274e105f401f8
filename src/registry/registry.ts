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
  readonly state: 'up' | 'draining'
  /** Wall clock of the registration, ms, for display and warm-up. */
  readonly registeredMs: number
  readonly metadata: Readonly<Record<string, string>>
}

/** All instances of a service at one moment. */
export interface InstanceList {
  readonly service: string
  /** Counts up with every change that this process has seen, from 1. */
  readonly revision: number
  readonly instances: readonly Instance[]
  /**
   * `live`: as the registry says now. `cached`: from the cache file, the registry did not answer yet.
   * `kept`: the registry lost the connection, or sent a list that looks like a loss of its own; this is the last
   * good one.
   */
  readonly source: 'live' | 'cached' | 'kept'
}

/** What a provider says of itself; the rest has defaults. */
export interface InstanceDescription {
  readonly service: string
  readonly host: string
  readonly port: number
  readonly version?: string
  readonly group?: string
  readonly weight?: number
  readonly zone?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** A registration that keeps itself true: it comes back after every loss of the registry, until deregistered. */
export interface Registration {
  readonly instance: Instance
  /** Changes what consumers see. */
  update(change: { readonly weight?: number; readonly state?: 'up' | 'draining' }): Promise<void>
  /** Removes it; idempotent. */
  deregister(): Promise<void>
}

/** A service that is being watched. */
export interface ServiceWatch extends AsyncIterable<InstanceList> {
  /** The newest list; undefined until there is one. */
  readonly current: InstanceList | undefined
  /** Resolves with the first list (live or cached); rejects when the registry refuses or the signal aborts. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<InstanceList>
  /** Calls `listener` with every later list, full each time. Returns the unsubscription. */
  subscribe(listener: (list: InstanceList) => void): () => void
  close(): void
}

export interface RegistryStatus {
  /** `suspended`: the connection is lost and the session may still live. `down`: never reached, or session lost. */
  readonly state: 'connected' | 'suspended' | 'down'
  readonly url: string
}

/** Finds the instances of services and announces one's own. Every driver meets the same contract test. */
export interface Registry {
  /** Resolves once the registry has confirmed it and the registration was read back. */
  register(
    description: InstanceDescription,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Registration>
  /** Watches of the same service share one subscription. */
  watch(service: string): ServiceWatch
  status(): RegistryStatus
  /** Deregisters everything of this process and lets the registry go. */
  close(): Promise<void>
}
