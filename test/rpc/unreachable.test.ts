import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

interface Orders {
  buy(item: string): Promise<string>
}

describe('an address that cannot be reached', () => {
  it('refuses each call at once, however often it was tried before, so that the time is left for others', async () => {
    const registry = new MemoryRegistry()
    registry.list('order', { host: '127.0.0.1', port: await deadPort() })
    const orders = callFrom(registry).service<Orders>('order', { timeoutMs: 10_000 })
    for (let n = 1; n <= 20; n++) {
      const startMs = performance.now()
      await expect(orders.buy('HHKB键盘')).rejects.toMatchObject({
        code: 'RPC_UNREACHABLE',
        outcome: 'not-executed',
      })
      expect(performance.now() - startMs).toBeLessThan(500)
    }
  })

  it('is found again by the next call once it can be reached', async () => {
    const registry = new MemoryRegistry()
    const port = await deadPort()
    registry.list('order', { host: '127.0.0.1', port })
    const orders = callFrom(registry).service<Orders>('order', { timeoutMs: 10_000 })
    for (let n = 1; n <= 10; n++) await expect(orders.buy('HHKB键盘')).rejects.toThrow('no connection')

    const server = await serve(undefined, { port })
    await server.provide('order', { buy: async (item: string) => item })
    const startMs = performance.now()
    await expect.poll(() => orders.buy('HHKB键盘'), { interval: 5 }).toBe('HHKB键盘')
    expect(performance.now() - startMs).toBeLessThan(500)
  })

  it('keeps no call beyond its deadline while it does not shake hands', async () => {
    const mute = createServer()
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const registry = new MemoryRegistry()
    registry.list('order', { host: '127.0.0.1', port: portOf(mute) })
    const orders = callFrom(registry).service<Orders>('order', { timeoutMs: 200 })
    const startMs = performance.now()
    await expect(orders.buy('HHKB键盘')).rejects.toMatchObject({
      code: 'RPC_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    })
    expect(performance.now() - startMs).toBeLessThan(1_000)
    mute.close()
  })
})

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** A port that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
