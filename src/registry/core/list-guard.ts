import type { Instance, ListSource } from './instance.ts'

export interface ListGuardOptions {
  /** How long a list that looks like a loss of the registry is doubted before a second reading decides. */
  readonly confirmGraceMs: number
  /** How long after the connection came back lists are still doubted: the providers have to come back too. */
  readonly calmAfterMs: number
}

export type ListGuardInput =
  /** A list from the cache file, taken while the registry has not answered. */
  | { readonly type: 'cached'; readonly instances: readonly Instance[] }
  /** A complete reading of the registry. */
  | { readonly type: 'listed'; readonly nowMs: number; readonly instances: readonly Instance[] }
  /** The connection to the registry, or the session with it, was lost. */
  | { readonly type: 'disturbed' }
  | { readonly type: 'connected'; readonly nowMs: number }

export interface ListGuardOutput {
  /** The list that callers shall use from now on. */
  publish(instances: readonly Instance[], source: ListSource): void
  /** Read the list again then: what it says is believed. */
  readAgainAt(ms: number): void
}

/** The last list that was believed. */
interface GoodList {
  readonly instances: readonly Instance[]
  readonly cached: boolean
}

/**
 * Decides which list of a service callers see. A registry that was restarted, or that lost the sessions of its
 * providers, sends lists that are empty or nearly so while every provider is alive: following them would turn a
 * loss of the registry into one of the service. So after a disturbance a list that lost more than half of the
 * instances at once is doubted: callers keep the good list, with what is new in the doubtful one, until a reading
 * after a grace says the same. Instances that were draining have said goodbye and are not missed.
 *
 * A list of an earlier process (`cached`) is doubted only against an empty one: it may be days old.
 */
export class ListGuard {
  readonly #options: ListGuardOptions
  #good: GoodList | undefined
  #published: { readonly instances: readonly Instance[]; readonly source: ListSource } | undefined
  #doubtUntilMs: number | undefined
  /** Disturbed until then; infinitely while the connection is away. A start is a disturbance. */
  #disturbedUntilMs: number = Number.POSITIVE_INFINITY

  constructor(options: ListGuardOptions) {
    this.#options = options
  }

  step(input: ListGuardInput, out: ListGuardOutput): void {
    switch (input.type) {
      case 'cached':
        this.#cached(input.instances, out)
        break
      case 'listed':
        this.#listed(input.instances, input.nowMs, out)
        break
      case 'disturbed':
        this.#disturbed(out)
        break
      case 'connected':
        this.#disturbedUntilMs = input.nowMs + this.#options.calmAfterMs
        break
    }
  }

  #cached(instances: readonly Instance[], out: ListGuardOutput): void {
    if (this.#good !== undefined) return
    this.#good = { instances, cached: true }
    this.#publish(instances, 'cached', out)
  }

  #disturbed(out: ListGuardOutput): void {
    this.#disturbedUntilMs = Number.POSITIVE_INFINITY
    this.#doubtUntilMs = undefined
    if (this.#published?.source === 'live') this.#publish(this.#published.instances, 'kept', out)
  }

  #listed(instances: readonly Instance[], nowMs: number, out: ListGuardOutput): void {
    const good = this.#good
    if (good === undefined || !this.#doubts(good, instances, nowMs)) {
      this.#accept(instances, out)
      return
    }
    if (this.#doubtUntilMs === undefined) {
      this.#doubtUntilMs = nowMs + this.#options.confirmGraceMs
      out.readAgainAt(this.#doubtUntilMs)
    }
    this.#publish(union(good.instances, instances), 'kept', out)
  }

  #doubts(good: GoodList, instances: readonly Instance[], nowMs: number): boolean {
    if (this.#doubtUntilMs === undefined ? nowMs >= this.#disturbedUntilMs : nowMs >= this.#doubtUntilMs)
      return false
    return good.cached
      ? instances.length === 0 && good.instances.some((instance) => instance.state === 'up')
      : looksLikeLoss(good.instances, instances)
  }

  #accept(instances: readonly Instance[], out: ListGuardOutput): void {
    this.#good = { instances, cached: false }
    this.#doubtUntilMs = undefined
    this.#publish(instances, 'live', out)
  }

  #publish(instances: readonly Instance[], source: ListSource, out: ListGuardOutput): void {
    const before = this.#published
    if (before !== undefined && before.source === source && sameList(before.instances, instances)) return
    this.#published = { instances, source }
    out.publish(instances, source)
  }
}

/** More than half of those that were up are gone. */
function looksLikeLoss(before: readonly Instance[], now: readonly Instance[]): boolean {
  const up = before.filter((instance) => instance.state === 'up')
  const gone = up.filter((instance) => !isIn(instance, now))
  return gone.length * 2 > up.length
}

/** A process that came back on the same address under a new id is not lost. */
function isIn(instance: Instance, list: readonly Instance[]): boolean {
  return list.some(
    (other) => other.id === instance.id || (other.host === instance.host && other.port === instance.port),
  )
}

function union(kept: readonly Instance[], fresh: readonly Instance[]): readonly Instance[] {
  return [...fresh, ...kept.filter((instance) => !isIn(instance, fresh))].sort(byId)
}

/** The order of every list. */
export function byId(a: Instance, b: Instance): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

export function sameList(a: readonly Instance[], b: readonly Instance[]): boolean {
  return a.length === b.length && a.every((instance, at) => sameInstance(instance, b[at]))
}

/** Instances are made by `pick`, so their JSON has one order. */
function sameInstance(a: Instance, b: Instance | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
