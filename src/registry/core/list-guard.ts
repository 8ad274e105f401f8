import type { Instance, ListSource } from './instance.ts'

export interface ListGuardOptions {
  /** How long a list that looks like a loss of the registry is doubted before a second reading decides. */
  readonly confirmGraceMs: number
}

export type ListGuardInput =
  /** A list from the cache file, taken while the registry has not answered. */
  | { readonly type: 'cached'; readonly instances: readonly Instance[] }
  /** A complete reading of the registry. It may have begun before the present connection. */
  | {
      readonly type: 'listed'
      readonly begunMs: number
      readonly nowMs: number
      readonly instances: readonly Instance[]
    }
  /** The connection to the registry, or the session with it, was lost. */
  | { readonly type: 'disturbed'; readonly nowMs: number }
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

/** A list is being doubted. */
interface Doubt {
  /** A reading from then on decides; undefined until the first reading of the present connection. */
  untilMs: number | undefined
  /** Connected since then while in doubt; undefined while the connection is away. */
  connectedSinceMs: number | undefined
  /** Time in doubt with the connections before this one, ms. */
  earlierMs: number
}

/** Each new connection starts the grace anew, but a link that flaps cannot put the decision off for ever. */
const GRACES_MAX = 3

/**
 * Decides which list of a service callers see. A registry that was restarted, or that a partition keeps from the
 * providers, sends lists that are empty or nearly so while every provider is alive: following them would turn a
 * loss of the registry into one of the service. So a list is doubted when more instances went within one grace than
 * are left: callers keep the good list, with what is new in the doubtful one, until a reading after the
 * grace says the same. Instances that were draining have said goodbye and are not missed; one of several that dies
 * is believed at once.
 *
 * A list of an earlier process (`cached`) is doubted only against an empty one: it may be days old.
 */
export class ListGuard {
  readonly #options: ListGuardOptions
  #good: GoodList | undefined
  #published: { readonly instances: readonly Instance[]; readonly source: ListSource } | undefined
  #doubt: Doubt | undefined
  /** Gone without a farewell within the last grace, believed: a partition takes instances one after the other. */
  #lost: { readonly instance: Instance; readonly goneMs: number }[] = []

  constructor(options: ListGuardOptions) {
    this.#options = options
  }

  step(input: ListGuardInput, out: ListGuardOutput): void {
    switch (input.type) {
      case 'cached':
        this.#cached(input.instances, out)
        break
      case 'listed':
        this.#listed(input, out)
        break
      case 'disturbed':
        this.#disturbed(input.nowMs, out)
        break
      case 'connected':
        if (this.#doubt) this.#doubt.connectedSinceMs ??= input.nowMs
        break
    }
  }

  #cached(instances: readonly Instance[], out: ListGuardOutput): void {
    if (this.#good !== undefined) return
    this.#good = { instances, cached: true }
    this.#publish(instances, 'cached', out)
  }

  #disturbed(nowMs: number, out: ListGuardOutput): void {
    const doubt = this.#doubt
    if (doubt) {
      doubt.earlierMs += nowMs - (doubt.connectedSinceMs ?? nowMs)
      doubt.connectedSinceMs = undefined
      doubt.untilMs = undefined
    }
    if (this.#published?.source === 'live') this.#publish(this.#published.instances, 'kept', out)
  }

  #listed({ instances, begunMs, nowMs }: ListGuardInput & { type: 'listed' }, out: ListGuardOutput): void {
    this.#forgetLost(instances, nowMs)
    const good = this.#good
    if (good === undefined || !this.#looksLikeLoss(good, instances)) this.#accept(instances, nowMs, out)
    else if (begunMs >= this.#doubtUntilMs(begunMs, nowMs, out)) this.#believe(instances, out)
    else this.#publish(union([...this.#lostInstances(), ...good.instances], instances), 'kept', out)
  }

  #accept(instances: readonly Instance[], nowMs: number, out: ListGuardOutput): void {
    if (this.#good?.cached === false)
      for (const instance of missing(this.#good.instances, instances))
        this.#lost.push({ instance, goneMs: nowMs })
    this.#take(instances, out)
  }

  /** The second reading agreed: what is gone is gone. */
  #believe(instances: readonly Instance[], out: ListGuardOutput): void {
    this.#lost = []
    this.#take(instances, out)
  }

  #take(instances: readonly Instance[], out: ListGuardOutput): void {
    this.#good = { instances, cached: false }
    this.#doubt = undefined
    this.#publish(instances, 'live', out)
  }

  /** When the reading that decides may begin. Doubt begins, or goes on with a new connection, here. */
  #doubtUntilMs(begunMs: number, nowMs: number, out: ListGuardOutput): number {
    const { confirmGraceMs } = this.#options
    this.#doubt ??= { untilMs: undefined, connectedSinceMs: nowMs, earlierMs: 0 }
    const doubt = this.#doubt
    if (doubt.untilMs !== undefined) return doubt.untilMs
    doubt.connectedSinceMs ??= nowMs
    const leftMs = confirmGraceMs * GRACES_MAX - doubt.earlierMs
    doubt.untilMs = Math.min(nowMs + confirmGraceMs, doubt.connectedSinceMs + Math.max(0, leftMs))
    if (begunMs < doubt.untilMs) out.readAgainAt(doubt.untilMs)
    return doubt.untilMs
  }

  #looksLikeLoss(good: GoodList, instances: readonly Instance[]): boolean {
    const gone = missing(good.instances, instances)
    if (gone.length === 0) return false
    if (good.cached) return instances.length === 0
    const left = instances.filter((instance) => instance.state === 'up').length
    return gone.length + this.#lost.length > left
  }

  #forgetLost(instances: readonly Instance[], nowMs: number): void {
    if (this.#lost.length === 0) return
    // While a list is doubted, those that were lost before it wait for the same decision.
    const sinceMs = this.#doubt ? Number.NEGATIVE_INFINITY : nowMs - this.#options.confirmGraceMs
    const isIn = lookup(instances)
    this.#lost = this.#lost.filter((one) => one.goneMs > sinceMs && !isIn(one.instance))
  }

  #lostInstances(): readonly Instance[] {
    return this.#lost.map(({ instance }) => instance)
  }

  #publish(instances: readonly Instance[], source: ListSource, out: ListGuardOutput): void {
    const before = this.#published
    if (before !== undefined && before.source === source && sameList(before.instances, instances)) return
    this.#published = { instances, source }
    out.publish(instances, source)
  }
}

/** Those that were up and are gone. */
function missing(before: readonly Instance[], now: readonly Instance[]): readonly Instance[] {
  const isIn = lookup(now)
  return before.filter((instance) => instance.state === 'up' && !isIn(instance))
}

function union(kept: readonly Instance[], fresh: readonly Instance[]): readonly Instance[] {
  const isIn = lookup(fresh)
  return [...fresh, ...kept.filter((instance) => !isIn(instance))].sort(byId)
}

/** Finds instances in a list. A process that came back on the same address under a new id is the same. */
function lookup(list: readonly Instance[]): (instance: Instance) => boolean {
  const ids = new Set(list.map(({ id }) => id))
  const addresses = new Set(list.map(addressOf))
  return (instance) => ids.has(instance.id) || addresses.has(addressOf(instance))
}

function addressOf({ host, port }: Instance): string {
  return `${host} ${port}`
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
