import { setTimeout as pause } from 'node:timers/promises'
import { isFenbuError } from 'fenbu'
import type { CoordinationClient } from 'fenbu/coordination'
import type { StockLevel } from '../services.ts'
import { createFolders, createOnce, parentOf } from './folders.ts'
import { STOCK, stockPath, takenPath } from './paths.ts'
import { decodeStock, encodeRecord, type StockRecord } from './records.ts'
import { Turns } from './turns.ts'

/**
 * The stock of each item, and who took what. The shelf and the note of what a request took change in one
 * transaction, so that no request can take twice. Stock only falls while the shop is open; one that restocks
 * would have to write refusals down too, or a retry could be served after a refusal.
 */
export class StockBook {
  readonly #client: CoordinationClient
  readonly #turns = new Turns()

  constructor(client: CoordinationClient) {
    this.#client = client
  }

  /** Puts an item on the shelf, unless it is there from before. */
  async stock(item: string, initial: number): Promise<void> {
    await createFolders(this.#client, STOCK)
    await createOnce(this.#client, stockPath(item), encodeRecord({ initial, left: initial }))
  }

  take(requestId: string, item: string, quantity: number): Promise<'taken' | 'sold-out'> {
    return this.#turns.take(item, () => this.#take(requestId, item, quantity))
  }

  async level(item: string): Promise<StockLevel | undefined> {
    try {
      const { record } = await this.#read(item)
      return { item, ...record }
    } catch (error) {
      if (isFenbuError(error, 'COORDINATION_NO_NODE')) return undefined
      throw error
    }
  }

  /** Compare-and-set until it holds: only the other providers of the stock compete, one call each. */
  async #take(requestId: string, item: string, quantity: number): Promise<'taken' | 'sold-out'> {
    const taken = takenPath(item, requestId)
    for (let attempt = 1; ; attempt++) {
      const { record, version } = await this.#read(item)
      if (record.left < quantity) return (await this.#client.exists(taken)) ? 'taken' : 'sold-out'
      try {
        await this.#client.multi([
          { type: 'create', path: taken, data: encodeRecord({ quantity }) },
          {
            type: 'set',
            path: stockPath(item),
            data: encodeRecord({ ...record, left: record.left - quantity }),
            version,
          },
        ])
        return 'taken'
      } catch (error) {
        if (isFenbuError(error, 'COORDINATION_NODE_EXISTS')) return 'taken'
        if (isFenbuError(error, 'COORDINATION_NO_NODE')) await createFolders(this.#client, parentOf(taken))
        else if (!isFenbuError(error, 'COORDINATION_BAD_VERSION') || attempt >= ATTEMPTS_MAX) throw error
        else await pause(Math.random() * attempt)
      }
    }
  }

  async #read(item: string): Promise<{ readonly record: StockRecord; readonly version: number }> {
    const path = stockPath(item)
    const { data, stat } = await this.#client.get(path)
    return { record: decodeStock(path, data), version: stat.version }
  }
}

/** Of one compare-and-set. With two providers the second or third attempt holds. */
const ATTEMPTS_MAX = 50
