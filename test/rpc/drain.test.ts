import { describe, expect, it } from 'vitest'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

interface Counter {
  add(n: number): Promise<number>
}

describe('a server that drains', () => {
  it('loses no call under load, also of methods that may not run twice', async () => {
    const registry = new MemoryRegistry()
    const ran: number[] = []
    const add = async (n: number): Promise<number> => {
      await new Promise((resolve) => setImmediate(resolve))
      ran.push(n)
      return n
    }
    const leaving = await serve(registry)
    await leaving.provide('counter', { add })
    const staying = await serve(registry)
    await staying.provide('counter', { add })
    const counter = callFrom(registry).service<Counter>('counter', { timeoutMs: 10_000 })
    let next = 0
    const answers: number[] = []
    const caller = async (): Promise<void> => {
      while (next < 2_000) {
        const n = next++
        answers.push(await counter.add(n))
        if (n === 700) void leaving.drain()
      }
    }
    await Promise.all(Array.from({ length: 32 }, caller))
    const everyOne = Array.from({ length: 2_000 }, (_, n) => n)
    expect(answers.sort((a, b) => a - b)).toEqual(everyOne)
    expect(ran.sort((a, b) => a - b)).toEqual(everyOne)
    await leaving.drain()
  })

  it('finishes what is under way before it closes, and leaves the registry at the end', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const started = gate()
    const release = gate()
    await server.provide('slow', {
      async work() {
        started.open()
        await release.opened
        return 'done'
      },
    })
    const client = callFrom(registry)
    const call = client.invoke('slow', 'work', [], { timeoutMs: 10_000 })
    await started.opened
    let drained = false
    const draining = server.drain().then(() => {
      drained = true
    })
    await expect.poll(() => registry.watch('slow').current?.instances[0]?.state).toBe('draining')
    await expect(client.invoke('slow', 'work')).rejects.toMatchObject({ code: 'RPC_NO_INSTANCE' })
    expect(drained).toBe(false)
    expect(server.inFlight).toBe(1)
    release.open()
    expect(await call).toBe('done')
    await draining
    expect(registry.watch('slow').current?.instances).toEqual([])
  })

  it('turns away calls of those who have not heard of it, and they go elsewhere', async () => {
    const registry = new MemoryRegistry()
    const leaving = await serve(undefined)
    const started = gate()
    const release = gate()
    await leaving.provide('s', {
      async hold() {
        started.open()
        await release.opened
        return 'leaving'
      },
      which: () => 'leaving',
    })
    // The list names only the leaving one until its calls are turned away.
    registry.list('s', leaving.address)
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const held = client.invoke('s', 'hold')
    await started.opened
    const draining = leaving.drain()
    const staying = await serve(undefined)
    await staying.provide('s', { which: () => 'staying' })
    registry.list('s', staying.address)
    for (let i = 0; i < 10; i++) expect(await client.invoke('s', 'which')).toBe('staying')
    release.open()
    expect(await held).toBe('leaving')
    await draining
  })

  it('cuts off calls that take longer than it gives them, and their callers are told', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const started = gate()
    const never = gate()
    await server.provide('slow', {
      async work() {
        started.open()
        await never.opened
      },
    })
    const call = callFrom(registry).invoke('slow', 'work', [], { timeoutMs: 10_000 })
    const failed = expect(call).rejects.toMatchObject({
      code: 'RPC_CONNECTION_LOST',
      outcome: 'unknown',
      message: expect.stringContaining('the server stops'),
    })
    await started.opened
    await server.drain({ timeoutMs: 50 })
    await failed
    never.open()
  })

  it('stops although the registry does not answer', async () => {
    const registry = new MemoryRegistry()
    const register = registry.register.bind(registry)
    registry.register = async (description) => ({
      ...(await register(description)),
      update: () => new Promise(() => {}),
      deregister: () => new Promise(() => {}),
    })
    const server = await serve(registry)
    await server.provide('s', { a: () => 1 })
    expect(await callFrom(registry).invoke('s', 'a')).toBe(1)
    await server.drain()
  })
})

describe('a client that closes', () => {
  it('lets the calls under way finish, and fails those that wait', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry, { maxInFlight: 1 })
    const started = gate()
    const release = gate()
    await server.provide('slow', {
      async work() {
        started.open()
        await release.opened
        return 'done'
      },
    })
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const running = client.invoke('slow', 'work')
    await started.opened
    const waiting = expect(client.invoke('slow', 'work')).rejects.toMatchObject({
      code: 'RPC_CLOSED',
      outcome: 'not-executed',
    })
    const closing = client.close()
    await waiting
    release.open()
    expect(await running).toBe('done')
    await closing
  })
})
