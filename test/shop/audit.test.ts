import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CoordinationClient, connect } from 'fenbu/coordination'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audit, type Program, runShop, shopFolder } from './shop-process.ts'

const KEYBOARD = '/shop/stock/HHKB%E9%94%AE%E7%9B%98'

describe('the audit', () => {
  let folder: Awaited<ReturnType<typeof shopFolder>>
  let shop: Program
  let books: CoordinationClient
  /** An order for a keyboard that the client was promised. */
  let orderPath: string
  let takenPath: string

  beforeAll(async () => {
    folder = await shopFolder()
    shop = runShop(folder.path, '--run', 'audited', '--stock', '10')
    await shop.printed(/Ctrl-C/)
    const run = join(folder.path, '.fenbu/shop/audited')
    const { url } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))
    const accepted = (await readFile(join(run, 'accepted.jsonl'), 'utf8')).trim().split('\n')
    const { id } = accepted.map((line) => JSON.parse(line)).find(({ item }) => item === 'HHKB键盘')
    books = connect(url)
    const shard = await shardOf(books, id)
    orderPath = `/shop/orders/${shard}/${id}`
    takenPath = `${KEYBOARD}/taken/${shard}/${id}`
  }, 60_000)

  afterAll(async () => {
    await books?.close()
    await shop.interrupt()
    await folder.remove()
  })

  test('finds honest books right', async () => {
    expect(await recounted()).toEqual({ code: 0, missing: 0, duplicates: 0, soldPlusLeftMinusInitial: 0 })
  })

  test('misses an order that was deleted', async () => {
    const { data } = await books.get(orderPath)
    await books.delete(orderPath)
    expect(await recounted()).toEqual({ code: 1, missing: 1, duplicates: 0, soldPlusLeftMinusInitial: 0 })
    await books.create(orderPath, data)
  })

  test('misses an order that is not confirmed any more', async () => {
    const { data } = await books.get(orderPath)
    await books.set(orderPath, edited(data, { status: 'pending' }))
    expect(await recounted()).toEqual({ code: 1, missing: 1, duplicates: 0, soldPlusLeftMinusInitial: 0 })
    await books.set(orderPath, data)
  })

  test('sees that an order is not the one that was promised', async () => {
    const { data } = await books.get(orderPath)
    await books.set(orderPath, edited(data, { placedAtMs: 1 }))
    expect(await recounted()).toEqual({ code: 1, missing: 0, duplicates: 1, soldPlusLeftMinusInitial: 0 })
    await books.set(orderPath, data)
  })

  test('sees a piece that left the shelf without being sold', async () => {
    const { data } = await books.get(KEYBOARD)
    const { left } = JSON.parse(new TextDecoder().decode(data))
    await books.set(KEYBOARD, edited(data, { left: left - 1 }))
    expect(await recounted()).toEqual({ code: 1, missing: 0, duplicates: 0, soldPlusLeftMinusInitial: -1 })
    await books.set(KEYBOARD, data)
  })

  test('sees a request that took twice', async () => {
    const { data } = await books.get(takenPath)
    const folderOfSecond = `${KEYBOARD}/taken/second`
    const second = `${folderOfSecond}/${takenPath.slice(takenPath.lastIndexOf('/') + 1)}`
    await books.create(folderOfSecond, new Uint8Array(0))
    await books.create(second, data)
    expect(await recounted()).toEqual({ code: 1, missing: 0, duplicates: 1, soldPlusLeftMinusInitial: 1 })
    await books.delete(second)
    await books.delete(folderOfSecond)
  })

  test('sees a sale without a record of what was taken', async () => {
    const { data } = await books.get(takenPath)
    await books.delete(takenPath)
    expect(await recounted()).toEqual({ code: 1, missing: 1, duplicates: 0, soldPlusLeftMinusInitial: -1 })
    await books.create(takenPath, data)
  })

  test('says which run it does not know', async () => {
    const { code, stderr } = await audit(folder.path, '--run', 'nobody')
    expect(code).toBe(1)
    expect(stderr).toContain('there is no run "nobody" in .fenbu/shop (known: audited)')
  })

  async function recounted(): Promise<Record<string, unknown>> {
    const { code, stdout } = await audit(folder.path)
    const { missing, duplicates, soldPlusLeftMinusInitial } = JSON.parse(stdout)
    return { code, missing, duplicates, soldPlusLeftMinusInitial }
  }
})

async function shardOf(books: CoordinationClient, id: string): Promise<string> {
  for (const shard of (await books.children('/shop/orders')).children) {
    if ((await books.children(`/shop/orders/${shard}`)).children.includes(id)) return shard
  }
  throw new Error(`there is no order ${id}`)
}

function edited(data: Uint8Array, change: object): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ ...JSON.parse(new TextDecoder().decode(data)), ...change }),
  )
}
