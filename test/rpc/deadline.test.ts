import { expect, it } from 'vitest'
import { currentCall } from '../../src/rpc/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

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

it('time that passed in a handler is gone for the calls that it makes', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  const client = callFrom(registry)
  await server.provide('inner', { left: async () => currentCall().remainingMs() })
  await server.provide('outer', {
    async left() {
      const until = performance.now() + 300
      while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
      return client.service<Clock>('inner', { timeoutMs: 60_000 }).left()
    },
  })
  const left = await client.service<Clock>('outer', { timeoutMs: 5_000 }).left()
  expect(left).toBeLessThanOrEqual(4_700)
})

it('a call made after the handler on whose behalf it would be has returned stands for itself', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  const client = callFrom(registry)
  const later = gate()
  const left = gate<number>()
  await server.provide('inner', { left: async () => currentCall().remainingMs() })
  await server.provide('outer', {
    async start() {
      later.opened.then(async () =>
        left.open(await client.service<Clock>('inner', { timeoutMs: 5_000 }).left()),
      )
    },
  })
  await client.invoke('outer', 'start', [], { timeoutMs: 1_000 })
  later.open()
  expect(await left.opened).toBeGreaterThan(1_000)
})

it('a call is given up after a second unless it says otherwise', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  const never = gate()
  await server.provide('slow', { wait: () => never.opened })
  const startMs = performance.now()
  await expect(callFrom(registry).invoke('slow', 'wait')).rejects.toMatchObject({
    code: 'RPC_DEADLINE_EXCEEDED',
    outcome: 'unknown',
    message: expect.stringContaining('slow.wait'),
  })
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_000)
  never.open()
})

it('a call in a handler whose time is over fails before it is sent', async () => {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  const client = callFrom(registry)
  const failed = gate<unknown>()
  let ran = false
  await server.provide('inner', {
    touch: () => {
      ran = true
    },
  })
  await server.provide('outer', {
    async late() {
      const { signal } = currentCall()
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await client.invoke('inner', 'touch').catch(failed.open)
    },
  })
  await expect(client.invoke('outer', 'late', [], { timeoutMs: 50 })).rejects.toThrow('deadline')
  expect(await failed.opened).toMatchObject({
    code: expect.stringMatching(/RPC_(CANCELLED|DEADLINE_EXCEEDED)/),
  })
  expect(ran).toBe(false)
})

it.each([0, -1, 1.5, Number.POSITIVE_INFINITY, 86_400_001, '5'])('no call waits %s ms', async (timeoutMs) => {
  const client = callFrom(new MemoryRegistry())
  const wrong = { timeoutMs: timeoutMs as number }
  expect(() => client.service('x', wrong)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  expect(() => client.service('x').with(wrong)).toThrow('a whole number from 1 to 86400000')
})
