import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Program, runShop, shopFolder } from './shop-process.ts'

interface Reply {
  readonly status: number
  readonly body: {
    readonly id?: string
    readonly error?: { readonly code: string; readonly message: string }
  }
}

describe('the gateway', () => {
  let folder: Awaited<ReturnType<typeof shopFolder>>
  let shop: Program
  let gateway: string

  beforeAll(async () => {
    folder = await shopFolder()
    shop = runShop(folder.path, '--stock', '5')
    gateway = (await shop.printed(/curl -s -X POST (http:\S+)\/orders/))[1]!
  }, 60_000)

  afterAll(async () => {
    await shop.interrupt()
    await folder.remove()
  })

  async function order(body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(`${gateway}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Reply['body'] }
  }

  test('sells what it prints the curl line for', async () => {
    const { status, body } = await order({ item: 'HHKB键盘' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ item: 'HHKB键盘', quantity: 1, status: 'confirmed' })
    const found = await fetch(`${gateway}/orders/${body.id}`)
    expect(await found.json()).toEqual(body)
  })

  test('answers a repeated request id with the same order, and takes once', async () => {
    const left = await stockOf('人体工学鼠标')
    const wanted = { item: '人体工学鼠标', quantity: 2, requestId: 'twice' }
    const [first, second] = await Promise.all([order(wanted), order(wanted)])
    const third = await order({ item: '人体工学鼠标', quantity: 2 }, { 'idempotency-key': 'twice' })
    expect(first).toMatchObject({ status: 201, body: { id: 'twice' } })
    expect(second.body).toEqual(first.body)
    expect(third.body).toEqual(first.body)
    expect(await stockOf('人体工学鼠标')).toBe(left - 2)
  })

  test('refuses what is sold out with 409, again and again', async () => {
    const wanted = { item: '静电容键帽', quantity: 100, requestId: 'too-many' }
    expect(await order(wanted)).toMatchObject({ status: 409, body: { id: 'too-many', status: 'sold-out' } })
    expect(await order(wanted)).toMatchObject({ status: 409, body: { id: 'too-many', status: 'sold-out' } })
  })

  test.each([
    ['an unknown item', { item: '不存在' }, 404, 'SHOP_UNKNOWN_ITEM'],
    ['no item', {}, 400, 'SHOP_INVALID'],
    ['a quantity of 0', { item: 'HHKB键盘', quantity: 0 }, 400, 'SHOP_INVALID'],
    ['half a piece', { item: 'HHKB键盘', quantity: 0.5 }, 400, 'SHOP_INVALID'],
    ['a path as request id', { item: 'HHKB键盘', requestId: '../x' }, 400, 'SHOP_INVALID'],
    ['a misspelled field', { item: 'HHKB键盘', quantitty: 2 }, 400, 'SHOP_INVALID'],
    ['a list', ['HHKB键盘'], 400, 'SHOP_INVALID'],
    ['broken JSON', '{"item":', 400, 'NOT_JSON'],
    ['a body above the limit', { item: 'x'.repeat(10_000) }, 413, 'TOO_LARGE'],
  ])('refuses %s', async (_what, body, status, code) => {
    const reply = await order(body)
    expect(reply).toMatchObject({ status, body: { error: { code } } })
    expect(reply.body.error?.message.length).toBeGreaterThan(20)
  })

  test('refuses another order under a request id that was used', async () => {
    await order({ item: 'HHKB键盘', requestId: 'reused' })
    const reply = await order({ item: '静电容键帽', requestId: 'reused' })
    expect(reply).toMatchObject({ status: 422, body: { error: { code: 'SHOP_REQUEST_ID_REUSED' } } })
  })

  test('refuses a body that does not say that it is JSON, so that no web page can order', async () => {
    const reply = await order({ item: 'HHKB键盘' }, { 'content-type': 'text/plain' })
    expect(reply).toMatchObject({ status: 415, body: { error: { code: 'NOT_JSON' } } })
  })

  test('refuses an endless body as soon as it is too long', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = request(`${gateway}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      })
      upload.on('response', (response) => resolve(response.resume().statusCode))
      upload.on('error', reject)
      upload.write(' '.repeat(8_192))
    })
    expect(status).toBe(413)
  })

  test('knows no other addresses and methods', async () => {
    expect((await fetch(`${gateway}/nothing`)).status).toBe(404)
    expect((await fetch(`${gateway}/orders/unknown`)).status).toBe(404)
    expect((await fetch(`${gateway}/stock/%E4`)).status).toBe(400)
    const wrong = await fetch(`${gateway}/orders`, { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('shows the journey of a call: look-up, chosen instance, attempts, result, slowest hop', () => {
    expect(shop.stdout).toMatch(/gateway calls order\.buy/)
    expect(shop.stdout).toMatch(/look-up +2 instances of order, live list, [\d.]+ ms/)
    expect(shop.stdout).toMatch(/chosen +order-[12]\/\d+ at 127\.0\.0\.1:\d+/)
    expect(shop.stdout).toMatch(/attempt 1 +ok after/)
    expect(shop.stdout).toMatch(/order-[12] calls stock\.take[\s\S]+chosen +stock-[12]\/\d+ at/)
    expect(shop.stdout).toMatch(/The slowest hop: .+, [\d.]+ ms/)
  })

  async function stockOf(item: string): Promise<number> {
    const response = await fetch(`${gateway}/stock/${encodeURIComponent(item)}`)
    return ((await response.json()) as { left: number }).left
  }
})
