import type { AsyncClosable } from '../base/index.ts'
import type {
  IgnoredReason,
  Instance,
  InstanceChange,
  InstanceDescription,
  InstanceList,
} from './core/index.ts'

export type {
  IgnoredReason,
  Instance,
  InstanceChange,
  InstanceDescription,
  InstanceList,
  InstanceState,
  ListSource,
} from './core/index.ts'

/** A call that may wait. */
export interface WaitOptions {
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Time limit, ms; then it fails with `REGISTRY_UNREACHABLE`. */
  readonly timeoutMs?: number
}

/** A registration that keeps itself true: it comes back after every loss of the registry, until deregistered. */
export interface Registration {
  /** As it was last confirmed. */
  readonly instance: Instance
  /**
   * Changes what consumers see; resolves once it was read back. Fails with `REGISTRY_UNREACHABLE` when the registry
   * does not confirm it in time (default `changeTimeoutMs`; the change is not forgotten: it is made when the registry is back), and with
   * `REGISTRY_DEREGISTERED`.
   */
  update(change: InstanceChange, options?: WaitOptions): Promise<void>
  /**
   * Removes it; idempotent. An instance that is up is shown as draining for two readings (`coalesceMs`) first, so
   * that consumers do not take its end for a loss of the registry. Fails with `REGISTRY_UNREACHABLE` (outcome
   * unknown) when the registry does not answer: it is removed when the registry is back, or ends with the session.
   */
  deregister(): Promise<void>
}

/** A service that is being watched. */
export interface ServiceWatch extends AsyncIterable<InstanceList> {
  /** The newest list; undefined until there is one. */
  readonly current: InstanceList | undefined
  /** Resolves with the first list (live or cached); rejects when the registry refuses. Default time limit: none. */
  ready(options?: WaitOptions): Promise<InstanceList>
  /** Calls `listener` with every later list, full each time. Returns the unsubscription. */
  subscribe(listener: (list: InstanceList) => void): () => void
  /** Iterators end, listeners hear nothing more. Other watches of the service go on. */
  close(): void
}

export interface RegistryStatus {
  /** `suspended`: the connection is lost and the session may still live. `down`: never reached, or session lost. */
  readonly state: 'connected' | 'suspended' | 'down'
  /** Without credentials. */
  readonly url: string
  /** Whether there is a cache file, and lists of an earlier process in it. */
  readonly cache: 'off' | 'empty' | 'filled'
  /** Own registrations, and how many of them were read back in the present session. */
  readonly registrations: { readonly total: number; readonly verified: number }
  /** Services whose list is not live at the moment, and what it is instead. */
  readonly doubtful: Readonly<Record<string, 'cached' | 'kept'>>
  /** Records that were not taken, counted by reason; anyone may write into a registry. */
  readonly ignored: Readonly<Record<IgnoredReason, number>>
  /** The last thing that went wrong, for people; undefined once all is well again. */
  readonly problem: string | undefined
}

/** Finds the instances of services and announces one's own. Every driver meets the same contract test. */
export interface Registry extends AsyncClosable {
  /**
   * Resolves once the registry has confirmed it and the registration was read back. Fails with
   * `REGISTRY_UNREACHABLE` after the time limit (default `registerTimeoutMs`; outcome unknown) and with the signal's
   * reason: the attempt is withdrawn then, and what it may have left ends with the session. Fails with
   * `REGISTRY_REFUSED` when the registry refuses.
   */
  register(description: InstanceDescription, options?: WaitOptions): Promise<Registration>
  /** Watches of the same service share one subscription. */
  watch(service: string): ServiceWatch
  /** Names of all services that ever had a provider. Default time limit 5 000 ms. */
  services(options?: WaitOptions): Promise<readonly string[]>
  status(): RegistryStatus
  /** Resolves once the registry has answered. Default time limit: none. */
  ready(options?: WaitOptions): Promise<void>
  /** Deregisters everything of this process and lets the registry go. */
  close(): Promise<void>
}
