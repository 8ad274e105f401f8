import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Role, shopFolder } from './shop-process.ts'
import { startSwallowingProxy } from './swallowing-proxy.ts'

const KEYBOARD = encodeURIComponent('HHKB键盘')

/** A coordinator that can be killed and started again on its data and its port. */
export interface Engine {
  readonly url: string
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

/**
 * The promises of a shop whose processes and connections fail, on the engine that `openEngine` starts in a folder.
 * The registry is dead under load for `outageMs`.
 */
export function keepsAnswering(openEngine: (folder: string) => Promise<Engine>, outageMs: number): void {
  let folder: Awaited<ReturnType<typeof shopFolder>>
  let engine: Engine
  let gateway: Role
  let orders: Role[]
  let stocks: Role[]

  beforeAll(async () => {
    folder = await shopFolder()
    engine = await openEngine(folder.path)
    stocks = await Promise.all(['stock-1', 'stock-2'].map((name) => provide('stock', name)))
    orders = await Promise.all(['order-1', 'order-2'].map((name) => provide('order', name)))
    gateway = await openGateway()
  }, 60_000)

  afterAll(async () => {
    await Promise.all([gateway, ...orders, ...stocks].map((process) => process?.kill()))
    await engine?.stop()
    await folder.remove()
  })

  test('when a provider is killed', async () => {
    await prices(4)
    await stocks[0]!.kill()
    expect(await prices(30)).toEqual({ 200: 30 })
    stocks[0] = await provide('stock', 'stock-1')
  })

  test('when a provider is frozen, and when it thaws', async () => {
    orders[0]!.signal('SIGSTOP')
    const statuses = await Promise.all(Array.from({ length: 6 }, (_, n) => order(`frozen-${n}`)))
    orders[0]!.signal('SIGCONT')
    expect(statuses).toEqual(Array(6).fill(201))
    expect(await order('thawed')).toBe(201)
  })

  test('when the network between the gateway and a provider swallows everything', async () => {
    const proxy = await startSwallowingProxy()
    const swallowed = await provide('stock', 'stock-3', '--advertise', `${proxy.port}`)
    proxy.target = Number(swallowed.port)
    while (proxy.carriedBytes === 0) await prices(3)
    proxy.swallow()
    expect(await prices(30)).toEqual({ 200: 30 })
    await proxy.close()
    await swallowed.drain()
  })

  test(`when the registry is dead for ${outageMs} ms under load, and sells again when it is back`, async () => {
    await engine.kill()
    const endMs = performance.now() + outageMs
    let answered = 0
    for (; performance.now() < endMs; answered += 20) expect(await prices(20)).toEqual({ 200: 20 })
    expect(answered).toBeGreaterThan(outageMs / 50)
    expect([503, 504]).toContain(await order('during-the-outage'))

    await engine.start()
    while ((await order('during-the-outage')) !== 201);
  }, 300_000)

  test('when the registry is down while the gateway starts', async () => {
    await engine.kill()
    const late = await openGateway()
    expect((await fetch(`${late.url}/price/${KEYBOARD}`)).status).toBe(200)
    const { notes } = (await (await fetch(`${late.url}/health`)).json()) as { notes: string[] }
    expect(notes.join()).toContain('cached list')
    await late.kill()
  })

  function provide(kind: 'stock' | 'order', name: string, ...args: readonly string[]): Promise<Role> {
    return Role.open(`${kind}-provider.js`, [...joining(), '--name', name, ...args], folder.path)
  }

  function openGateway(): Promise<Role> {
    return Role.open('gateway.js', [...joining(), '--port', '0'], folder.path)
  }

  function joining(): readonly string[] {
    return ['--engines', engine.url, '--cache', join(folder.path, 'cache')]
  }

  /** Asks for a price that many times, ten at once; how often each status came. */
  async function prices(count: number): Promise<Record<string, number>> {
    const statuses: Record<string, number> = {}
    for (let asked = 0; asked < count; asked += 10) {
      const replies = await Promise.all(
        Array.from({ length: Math.min(10, count - asked) }, () => fetch(`${gateway.url}/price/${KEYBOARD}`)),
      )
      for (const { status } of replies) statuses[status] = (statuses[status] ?? 0) + 1
    }
    return statuses
  }

  /** Buys a keyboard under that request id; resolves with the status. */
  async function order(requestId: string): Promise<number> {
    const reply = await fetch(`${gateway.url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ item: 'HHKB键盘', requestId }),
    })
    return reply.status
  }
}
