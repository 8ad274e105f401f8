import { describe, expect, it } from 'vitest'
import { currentCall } from '../../src/rpc/index.ts'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

interface Order {
  readonly item: string
  readonly quantity: number
}

class Orders {
  readonly #prefix: string
  constructor(prefix: string) {
    this.#prefix = prefix
  }
  async buy(item: string, quantity = 1): Promise<Order> {
    return { item: this.#prefix + item, quantity }
  }
  secret(): string {
    return 'nobody may ask'
  }
}

describe('a call', () => {
  it('is answered by another connection end that was found through a registry', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('order', new Orders(''), { methods: ['buy'] })
    const orders = callFrom(registry).service<Orders>('order')
    expect(await orders.buy('HHKB键盘')).toEqual({ item: 'HHKB键盘', quantity: 1 })
  })

  it('reaches only what was provided, whatever name is asked for', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('order', new Orders(''), { methods: ['buy'] })
    const client = callFrom(registry)
    for (const name of [
      'secret',
      'constructor',
      'toString',
      '__proto__',
      'hasOwnProperty',
      '__defineGetter__',
      'then',
    ])
      await expect(client.invoke('order', name)).rejects.toMatchObject({
        code: 'RPC_NO_SUCH_METHOD',
        outcome: 'not-executed',
      })
  })

  it('tells its handler who calls, for how long, and with what metadata', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('echo', {
      async about() {
        const { service, method, group, version, attempt, metadata } = currentCall()
        await null
        return {
          service,
          method,
          group,
          version,
          attempt,
          metadata: { ...metadata },
          left: currentCall().remainingMs(),
          idempotencyKey: currentCall().idempotencyKey,
        }
      },
    })
    const echo = callFrom(registry).service<{ about(): Promise<{ left: number }> }>('echo', {
      timeoutMs: 700,
      metadata: { tenant: 'blue' },
    })
    const about = await echo.with({ idempotencyKey: 'k1' }).about()
    expect(about).toMatchObject({
      service: 'echo',
      method: 'about',
      group: 'default',
      version: '1.0.0',
      attempt: 1,
      metadata: { tenant: 'blue', 'idempotency-key': 'k1' },
      idempotencyKey: 'k1',
    })
    expect(about.left).toBeGreaterThan(0)
    expect(about.left).toBeLessThanOrEqual(700)
  })
})
