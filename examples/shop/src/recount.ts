import type { Ledger } from './books/ledger.ts'
import type { Order } from './services.ts'

/** The result of an audit, as it is printed. */
export interface Recount {
  /** Orders that the client holds a promise for. */
  readonly accepted: number
  /** Confirmed orders in the books; more than `accepted` if others bought too. */
  readonly stored: number
  /** Requests of which a part is lost: accepted or taken without a confirmed order, or confirmed without being taken. */
  readonly missing: number
  /** Requests with more than one order or taking, or whose promise, order and taking differ. */
  readonly duplicates: number
  /** Over all items, how far sold + left is from what was there at first. */
  readonly soldPlusLeftMinusInitial: number
}

/** Compares the books with what the client was promised, and with themselves. `problems` says each finding in words. */
export function recount(
  accepted: readonly Order[],
  { orders, taken, stock }: Ledger,
): { readonly recount: Recount; readonly problems: readonly string[] } {
  const missing = new Findings('missing')
  const duplicates = new Findings('duplicate')
  const stored = unique(orders, (order) => order.id, duplicates, 'has more than one order')
  const takings = unique(taken, (line) => line.requestId, duplicates, 'was taken more than once')

  for (const promise of accepted) {
    const order = stored.get(promise.id)
    if (order?.status !== 'confirmed') missing.add(promise.id, 'was accepted and has no confirmed order')
    else if (!same(promise, order))
      duplicates.add(promise.id, 'was promised another order than the stored one')
  }
  for (const order of stored.values()) {
    const line = takings.get(order.id)
    if (order.status === 'confirmed' && !line) missing.add(order.id, 'is confirmed and was never taken')
    if (order.status === 'sold-out' && line) duplicates.add(order.id, 'was refused and taken all the same')
    if (line && (line.item !== order.item || line.quantity !== order.quantity))
      duplicates.add(order.id, 'took something else than was ordered')
  }
  for (const requestId of takings.keys()) {
    if (!stored.has(requestId)) missing.add(requestId, 'was taken and has no order')
  }

  const imbalances = stock.map(({ item, initial, left }) => {
    const lines = taken.filter((line) => line.item === item)
    const sold = lines.reduce((sum, line) => sum + line.quantity, 0)
    return { item, text: `${sold} sold + ${left} left - ${initial} initially`, off: sold + left - initial }
  })
  return {
    recount: {
      accepted: new Set(accepted.map((order) => order.id)).size,
      stored: orders.filter((order) => order.status === 'confirmed').length,
      missing: missing.size,
      duplicates: duplicates.size,
      soldPlusLeftMinusInitial: total(imbalances.map(({ off }) => off)),
    },
    problems: [
      ...missing.lines(),
      ...duplicates.lines(),
      ...imbalances.filter(({ off }) => off !== 0).map(({ item, text, off }) => `${item}: ${text} = ${off}`),
    ],
  }
}

export function isRight({ missing, duplicates, soldPlusLeftMinusInitial }: Recount): boolean {
  return missing === 0 && duplicates === 0 && soldPlusLeftMinusInitial === 0
}

/** Requests that something is wrong with, each counted once, and what. */
class Findings {
  readonly #kind: string
  readonly #reasons = new Map<string, string>()

  constructor(kind: string) {
    this.#kind = kind
  }

  get size(): number {
    return this.#reasons.size
  }

  add(requestId: string, reason: string): void {
    if (!this.#reasons.has(requestId)) this.#reasons.set(requestId, reason)
  }

  lines(): readonly string[] {
    return [...this.#reasons].map(([requestId, reason]) => `${this.#kind}: ${requestId} ${reason}`)
  }
}

function unique<Line>(
  lines: readonly Line[],
  keyOf: (line: Line) => string,
  duplicates: Findings,
  reason: string,
): Map<string, Line> {
  const byKey = new Map<string, Line>()
  for (const line of lines) {
    if (byKey.has(keyOf(line))) duplicates.add(keyOf(line), reason)
    else byKey.set(keyOf(line), line)
  }
  return byKey
}

/** An order that was written twice would have two times. */
function same(a: Order, b: Order): boolean {
  return a.item === b.item && a.quantity === b.quantity && a.placedAtMs === b.placedAtMs
}

/** One item's surplus must not hide another's loss. */
function total(offs: readonly number[]): number {
  const mixed = offs.some((off) => off > 0) && offs.some((off) => off < 0)
  return offs.reduce((sum, off) => sum + (mixed ? Math.abs(off) : off), 0)
}
