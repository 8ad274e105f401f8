import { isFenbuError } from 'fenbu'
import type { CoordinationClient } from 'fenbu/coordination'
import type { Order, OrderStatus } from '../services.ts'
import { createFolders, parentOf } from './folders.ts'
import { ORDERS, orderPath, PENDING, pendingPath } from './paths.ts'
import { decodeOrder, encodeRecord, type OrderRecord } from './records.ts'

/** An order and the version of its node. */
interface StoredOrder {
  readonly order: Order
  readonly version: number
}

/** The orders: each one a node created once, so that the books are the deduplication too. */
export class OrderBook {
  readonly #client: CoordinationClient

  constructor(client: CoordinationClient) {
    this.#client = client
  }

  prepare(): Promise<void> {
    return createFolders(this.#client, ORDERS, PENDING)
  }

  /** Writes the order down as pending, or finds the one that this request id wrote before. */
  async begin(order: Order): Promise<{ readonly order: Order; readonly begun: boolean }> {
    for (;;) {
      try {
        await this.#client.multi([
          { type: 'create', path: orderPath(order.id), data: encodeRecord(recordOf(order)) },
          { type: 'create', path: pendingPath(order.id), data: new Uint8Array(0) },
        ])
        return { order, begun: true }
      } catch (error) {
        if (isFenbuError(error, 'COORDINATION_NODE_EXISTS')) {
          return { order: (await this.#read(order.id)).order, begun: false }
        }
        if (!isFenbuError(error, 'COORDINATION_NO_NODE')) throw error
        await createFolders(this.#client, parentOf(orderPath(order.id)), PENDING)
      }
    }
  }

  /** Ends a pending order. Whoever comes first wins; the others get the winner's order. */
  async settle(order: Order, status: Exclude<OrderStatus, 'pending'>): Promise<Order> {
    const settled = { ...order, status }
    try {
      await this.#client.multi([
        {
          type: 'set',
          path: orderPath(order.id),
          data: encodeRecord(recordOf(settled)),
          version: PENDING_VERSION,
        },
        { type: 'delete', path: pendingPath(order.id) },
      ])
      return settled
    } catch (error) {
      const lost =
        isFenbuError(error, 'COORDINATION_BAD_VERSION') || isFenbuError(error, 'COORDINATION_NO_NODE')
      if (!lost) throw error
      const { order: winner } = await this.#read(order.id)
      if (winner.status === 'pending') throw error
      return winner
    }
  }

  async find(id: string): Promise<Order | undefined> {
    try {
      return (await this.#read(id)).order
    } catch (error) {
      if (isFenbuError(error, 'COORDINATION_NO_NODE')) return undefined
      throw error
    }
  }

  /** Request ids of the orders that are not settled. */
  async pending(): Promise<readonly string[]> {
    return (await this.#client.children(PENDING)).children
  }

  async #read(id: string): Promise<StoredOrder> {
    const path = orderPath(id)
    const { data, stat } = await this.#client.get(path)
    return { order: { id, ...decodeOrder(path, data) }, version: stat.version }
  }
}

/** A node is born with version 0, and a pending order was never written to again. */
const PENDING_VERSION = 0

function recordOf({ item, quantity, status, placedAtMs }: Order): OrderRecord {
  return { item, quantity, status, placedAtMs }
}
