import { describe, expect, it } from 'vitest'
import { currentCall, type Journey } from '../../src/rpc/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

describe('the call that is being handled', () => {
  it('is not there outside a handler', () => {
    expect(() => currentCall()).toThrow(expect.objectContaining({ code: 'RPC_NO_CURRENT_CALL' }))
  })

  it('hands its trace on to the calls made for it, and nothing else', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const client = callFrom(registry)
    await server.provide('inner', { metadata: () => ({ ...currentCall().metadata }) })
    await server.provide('outer', {
      plain: () => client.invoke('inner', 'metadata'),
      own: () => client.invoke('inner', 'metadata', [], { metadata: { traceparent: 'mine', own: 'yes' } }),
    })
    const metadata = { traceparent: '00-a-b-01', tracestate: 's', baggage: 'b', tenant: 'blue' }
    expect(await client.invoke('outer', 'plain', [], { metadata })).toEqual({
      traceparent: '00-a-b-01',
      tracestate: 's',
      baggage: 'b',
    })
    expect(await client.invoke('outer', 'own', [], { metadata })).toEqual({
      traceparent: 'mine',
      tracestate: 's',
      baggage: 'b',
      own: 'yes',
    })
  })

  it('is its own in each of many handlers that run at once', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('who', {
      async am(i: string) {
        await new Promise((resolve) => setImmediate(resolve))
        const { i: seen } = currentCall().metadata
        return [i, seen]
      },
    })
    const client = callFrom(registry)
    const calls = Array.from({ length: 100 }, (_, i) =>
      client.invoke('who', 'am', [`${i}`], { metadata: { i: `${i}` } }),
    )
    for (const [asked, seen] of (await Promise.all(calls)) as [string, string][]) expect(seen).toBe(asked)
  })

  it('does not stick to the connection that its handler happened to open', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const seen = gate<string>()
    const inner = callFrom(registry, {
      onJourney: (_journey: Journey) => {
        try {
          seen.open(currentCall().method)
        } catch (error) {
          seen.open((error as Error).message)
        }
      },
    })
    await server.provide('inner', { a: () => 1 })
    await server.provide('outer', { first: () => inner.invoke('inner', 'a') })
    await callFrom(registry).invoke('outer', 'first')
    // The end of a call is told from its connection, which belongs to no handler.
    expect(await seen.opened).toContain('outside')
  })
})

describe('a process that was late', () => {
  it('reads the answers that came meanwhile before it gives its calls up', async () => {
    const { startProvider } = await import('./provider-process.ts')
    const registry = new MemoryRegistry()
    const provider = await startProvider()
    registry.list('work', provider.address)
    const client = callFrom(registry)
    await client.invoke('work', 'pid')
    const call = client.invoke('work', 'pid', [], { timeoutMs: 200 })
    // Written at the end of this turn, answered while the loop is blocked.
    await new Promise((resolve) => setImmediate(resolve))
    const untilMs = performance.now() + 600
    while (performance.now() < untilMs);
    expect(await call).toBe(provider.pid)
  })
})
