/** What the services of the shop promise. Providers implement these interfaces, callers import nothing else. */

/** Orders. Every call of `buy` carries the client's request id as its idempotency key: same key, same order. */
export interface OrderService {
  /** Buys an item, once for each request id; the answer is settled: `confirmed` or `sold-out`. */
  buy(item: string, quantity?: number): Promise<Order>
  /** The order of a request id, in whatever state it is, or null. */
  find(requestId: string): Promise<Order | null>
}

/** The warehouse. */
export interface StockService {
  /** Takes items off the shelf, once for each request id (the idempotency key). */
  take(item: string, quantity: number): Promise<Taking>
  /** How many are left, or null if the shop does not sell it. Reads the books. */
  look(item: string): Promise<StockLevel | null>
  /** The price, from the catalogue in memory: answers also while the books cannot be reached. */
  price(item: string): Promise<Price | null>
}

/** `pending`: begun, and some provider will settle it. */
export type OrderStatus = 'pending' | 'confirmed' | 'sold-out'

export interface Order {
  /** The client's request id. */
  readonly id: string
  readonly item: string
  readonly quantity: number
  readonly status: OrderStatus
  /** Wall clock of the first provider that saw it, ms. */
  readonly placedAtMs: number
}

/** `taken` also when an earlier call with the same request id took it. */
export interface Taking {
  readonly result: 'taken' | 'sold-out'
}

export interface StockLevel {
  readonly item: string
  /** When the shop opened. */
  readonly initial: number
  readonly left: number
}

export interface Price {
  readonly item: string
  /** In fen (1/100 yuan). */
  readonly priceFen: number
}
