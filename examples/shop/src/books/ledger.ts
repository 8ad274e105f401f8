import { isFenbuError } from 'fenbu'
import type { CoordinationClient } from 'fenbu/coordination'
import type { Order, StockLevel } from '../services.ts'
import { ORDERS, STOCK, textOfNode } from './paths.ts'
import { decodeOrder, decodeStock, decodeTaken } from './records.ts'

/** What one request took from one shelf. */
export interface TakenLine {
  readonly requestId: string
  readonly item: string
  readonly quantity: number
}

/** All the books at one time, line by line. Nothing is merged: whoever recounts must see what is there twice. */
export interface Ledger {
  readonly orders: readonly Order[]
  readonly taken: readonly TakenLine[]
  readonly stock: readonly StockLevel[]
}

/** Reads the whole books. Call it when nobody writes. */
export async function readLedger(client: CoordinationClient): Promise<Ledger> {
  await client.sync('/')
  const orders: Order[] = []
  const taken: TakenLine[] = []
  const stock: StockLevel[] = []
  for await (const { name, path } of grandchildren(client, ORDERS)) {
    orders.push({ id: name, ...decodeOrder(path, (await client.get(path)).data) })
  }
  for (const name of await childrenOf(client, STOCK)) {
    const shelf = `${STOCK}/${name}`
    const item = textOfNode(name)
    stock.push({ item, ...decodeStock(shelf, (await client.get(shelf)).data) })
    for await (const { name: requestId, path } of grandchildren(client, `${shelf}/taken`)) {
      taken.push({ requestId, item, ...decodeTaken(path, (await client.get(path)).data) })
    }
  }
  return { orders, taken, stock }
}

async function* grandchildren(
  client: CoordinationClient,
  folder: string,
): AsyncGenerator<{ readonly name: string; readonly path: string }> {
  for (const shard of await childrenOf(client, folder)) {
    for (const name of await childrenOf(client, `${folder}/${shard}`)) {
      yield { name, path: `${folder}/${shard}/${name}` }
    }
  }
}

async function childrenOf(client: CoordinationClient, path: string): Promise<readonly string[]> {
  try {
    return (await client.children(path)).children
  } catch (error) {
    if (isFenbuError(error, 'COORDINATION_NO_NODE')) return []
    throw error
  }
}
