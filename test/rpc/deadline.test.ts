import { expect, it } from 'vitest'
import { currentCall } from '../../src/rpc/index.ts'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

interface Clock {
  left(): Promise<number>
}

it('a call made on behalf of another has no more time than is left of that one', async () => {
  const registry = new MemoryRegistry()
  const inner = await serve(registry)
  await inner.provide('inner', { left: async () => currentCall().remainingMs() })
  const client = callFrom(registry)
  const outer = await serve(registry)
  await outer.provide('outer', {
    left: async () => client.service<Clock>('inner', { timeoutMs: 60_000 }).left(),
  })

  const left = await client.service<Clock>('outer', { timeoutMs: 5_000 }).left()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(5_000)
})

it('a handler is told how long its caller still waits, not how long it meant to', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  await server.provide('clock', { left: async () => currentCall().remainingMs() })
  const clock = callFrom(registry).service<Clock>('clock', { timeoutMs: 3_000 })
  const left = await clock.left()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(3_000)
})
