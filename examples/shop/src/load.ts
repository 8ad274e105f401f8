import { setTimeout as pause } from 'node:timers/promises'
import type { AcceptedList } from './accepted-list.ts'
import { CATALOGUE } from './catalogue.ts'
import { drawBelow } from './draw.ts'
import type { Order } from './services.ts'

export interface LoadOptions {
  /** Base URL of the gateway. */
  readonly gateway: string
  readonly orders: number
  /** Orders under way at once. */
  readonly concurrency: number
  readonly seed: number
  readonly accepted: AcceptedList
  readonly signal: AbortSignal
  /** Told before the nth order (from 0) is sent for the first time. */
  readonly starting: (n: number) => void
  /** Told when an order has ended, one way or another. */
  readonly ended: (total: LoadTotal) => void
}

/** What has come of the orders so far. */
export interface LoadTotal {
  readonly orders: number
  accepted: number
  soldOut: number
  /** Given up after `TRIES_MAX`; the client does not know what became of them. */
  failed: number
  /** Orders that took more than one try, over HTTP or between gateway and provider. */
  retried: number
  /** Accepted orders by the instance that answered. */
  readonly byInstance: Record<string, number>
  /** From the first try to the answer, of accepted orders. */
  readonly latenciesMs: number[]
}

/** Places the orders like a careful client: each one with a request id of its own, and the same id on every retry. */
export async function placeOrders(options: LoadOptions): Promise<LoadTotal> {
  const total: LoadTotal = {
    orders: options.orders,
    accepted: 0,
    soldOut: 0,
    failed: 0,
    retried: 0,
    byInstance: {},
    latenciesMs: [],
  }
  let next = 0
  const customer = async (): Promise<void> => {
    while (next < options.orders && !options.signal.aborted) {
      const n = next++
      options.starting(n)
      count(total, await placeOne(options, n))
      options.ended(total)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, customer))
  return total
}

/** How one order ended. */
interface Ending {
  readonly result: 'accepted' | 'sold-out' | 'failed'
  readonly retried: boolean
  readonly instance: string
  readonly latencyMs: number
}

async function placeOne(options: LoadOptions, n: number): Promise<Ending> {
  const { gateway, seed, accepted, signal } = options
  const items = [...CATALOGUE.keys()]
  const requestId = `load-${seed}-${n}`
  const wanted = { item: items[drawBelow(seed, `item ${n}`, items.length)] ?? '', requestId }
  const startedMs = performance.now()
  for (let attempt = 1; attempt <= TRIES_MAX && !signal.aborted; attempt++) {
    const reply = await post(`${gateway}/orders`, wanted)
    if (reply && (reply.status === 201 || reply.status === 409)) {
      const latencyMs = performance.now() - startedMs
      if (reply.status === 201) await accepted.add(reply.body as Order)
      return {
        result: reply.status === 201 ? 'accepted' : 'sold-out',
        retried: attempt > 1 || reply.attempts > 1,
        instance: reply.servedBy,
        latencyMs,
      }
    }
    if (reply && reply.status < 500)
      throw new Error(`order refused: ${reply.status} ${JSON.stringify(reply.body)}`)
    await pause(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2))
  }
  return { result: 'failed', retried: true, instance: '', latencyMs: 0 }
}

/** Of one order; with the pauses that is three quarters of a minute of trying, and more if answers take their time. */
const TRIES_MAX = 250
const TRY_MS_MAX = 10_000
const PAUSE_MS = 25
const PAUSE_MS_MAX = 250

interface HttpReply {
  readonly status: number
  readonly body: unknown
  readonly servedBy: string
  readonly attempts: number
}

/** Undefined when there was no answer: whether the order was placed is not known. */
export async function post(url: string, body: object): Promise<HttpReply | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TRY_MS_MAX),
    })
    return {
      status: response.status,
      body: await response.json(),
      servedBy: response.headers.get('x-served-by') ?? '',
      attempts: Number(response.headers.get('x-attempts') ?? 1),
    }
  } catch {
    return undefined
  }
}

function count(total: LoadTotal, { result, retried, instance, latencyMs }: Ending): void {
  if (retried) total.retried++
  if (result === 'failed') total.failed++
  if (result === 'sold-out') total.soldOut++
  if (result !== 'accepted') return
  total.accepted++
  total.byInstance[instance] = (total.byInstance[instance] ?? 0) + 1
  total.latenciesMs.push(latencyMs)
}

/** The value below which that share (0 to 1) of the values lies, rounded to a hundredth; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
  return Math.round(value * 100) / 100
}
