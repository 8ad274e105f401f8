import { setTimeout as pause } from 'node:timers/promises'
import type { OrderBook } from './books/order-book.ts'
import { type Chaos, NO_CHAOS } from './chaos.ts'
import { shopError } from './errors.ts'
import { checkItem, checkQuantity, currentRequestId } from './request.ts'
import type { Order, OrderService, StockService } from './services.ts'

/** The part of `StockService` that orders need, for the request id given. */
export type TakeFromStock = (
  requestId: string,
  item: string,
  quantity: number,
) => ReturnType<StockService['take']>

/**
 * Orders in three steps, each of which may be repeated by anybody: write it down as pending, take from the stock,
 * settle it. Whatever a killed provider left behind is finished by the client's retry or by `finishLeftovers`.
 */
export class Orders implements OrderService {
  readonly #book: OrderBook
  readonly #take: TakeFromStock
  readonly #chaos: Chaos

  constructor(book: OrderBook, take: TakeFromStock, chaos: Chaos = NO_CHAOS) {
    this.#book = book
    this.#take = take
    this.#chaos = chaos
  }

  async buy(item: string, quantity: number = 1): Promise<Order> {
    const id = currentRequestId()
    const wanted = { id, item: checkItem(item), quantity: checkQuantity(quantity) }
    const { order, begun } = await this.#book.begin({ ...wanted, status: 'pending', placedAtMs: Date.now() })
    if (order.item !== item || order.quantity !== quantity) throw reused(order, wanted)
    const chaos = begun ? this.#chaos : NO_CHAOS
    chaos.reached('begun', id)
    if (order.status !== 'pending') return order
    return await this.#finish(order, chaos).catch((cause: unknown) => {
      throw unsettled(order, cause)
    })
  }

  async find(requestId: string): Promise<Order | null> {
    return (await this.#book.find(requestId)) ?? null
  }

  /**
   * Until the signal aborts: finishes orders that stay pending from one look to the next, because the provider that
   * began them is gone. Live providers race here without harm: every step happens once.
   */
  async finishLeftovers(signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    let before = new Set<string>()
    while (!signal.aborted) {
      try {
        const pending = await this.#book.pending()
        for (const id of pending.filter((id) => before.has(id)).slice(0, LEFTOVERS_MAX))
          await this.#finishOne(id)
        before = new Set(pending)
      } catch (error) {
        failed(error)
      }
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #finishOne(id: string): Promise<void> {
    const order = await this.#book.find(id)
    if (order?.status === 'pending') await this.#finish(order, NO_CHAOS)
  }

  async #finish(order: Order, chaos: Chaos): Promise<Order> {
    const { result } = await this.#take(order.id, order.item, order.quantity)
    chaos.reached('taken', order.id)
    const settled = await this.#book.settle(order, result === 'taken' ? 'confirmed' : 'sold-out')
    chaos.reached('settled', order.id)
    return settled
  }
}

/** Between two looks at the pending orders; an order is older than this before anybody else touches it. */
const LOOK_EVERY_MS = 1_000

/** Finished in one look; the rest waits for the next, so that no provider is busy with leftovers alone. */
const LEFTOVERS_MAX = 500

/** Whatever stopped a step, the order is written down and will be settled: the caller must not take it for undone. */
function unsettled(order: Order, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return shopError(
    'SHOP_UNSETTLED',
    `order ${order.id} is written down and not settled yet; ask again with the same request id (${reason})`,
    { outcome: 'unknown', cause },
  )
}

function reused(stored: Order, wanted: Pick<Order, 'item' | 'quantity'>): Error {
  return shopError(
    'SHOP_REQUEST_ID_REUSED',
    `request ${stored.id} ordered ${stored.quantity} x ${stored.item} before and cannot order ` +
      `${wanted.quantity} x ${wanted.item}; give each order a request id of its own`,
  )
}
