import { channel } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { JOURNEY_CHANNEL, type Journey } from '../../src/rpc/index.ts'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

describe('the journey of a call', () => {
  it('names the list, the instance, the attempts and where the time went', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('slow', {
      async work() {
        const until = performance.now() + 50
        while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
      },
    })
    const journeys: Journey[] = []
    const client = callFrom(registry, { onJourney: (journey) => journeys.push(journey) })
    const beforeMs = Date.now()
    await client.invoke('slow', 'work', [], { metadata: { tenant: 'blue' }, version: '^1', timeoutMs: 5_000 })
    expect(journeys).toHaveLength(1)
    const [journey] = journeys
    expect(journey).toMatchObject({
      service: 'slow',
      method: 'work',
      group: 'default',
      version: '^1',
      timeoutMs: 5_000,
      idempotent: false,
      metadata: { tenant: 'blue' },
      lookup: { source: 'live', instances: 1 },
      attempts: [
        {
          attempt: 1,
          instanceId: 'instance-1',
          address: `127.0.0.1:${server.address.port}`,
          version: '1.0.0',
          result: 'ok',
        },
      ],
      result: 'ok',
      outcome: 'executed',
    })
    expect(journey!.lookup!.revision).toBeGreaterThan(0)
    expect(journey!.startedMs).toBeGreaterThanOrEqual(beforeMs)
    const attempt = journey!.attempts[0]!
    expect(attempt.handlerMs).toBeGreaterThanOrEqual(50)
    expect(attempt.durationMs).toBeGreaterThan(attempt.handlerMs!)
    expect(attempt.sentAfterMs).toBeGreaterThan(0)
    expect(journey!.durationMs).toBeGreaterThanOrEqual(attempt.durationMs)
  })

  it('shows each attempt with its own result', async () => {
    const registry = new MemoryRegistry()
    const old = await serve(undefined)
    await old.provide('other', { a: () => 1 })
    registry.list('s', old.address)
    const server = await serve(registry)
    await server.provide('s', { a: () => 'found' })
    const journeys: Journey[] = []
    const client = callFrom(registry, { onJourney: (journey) => journeys.push(journey) })
    for (let i = 0; i < 2; i++) expect(await client.invoke('s', 'a')).toBe('found')
    const results = journeys.map(({ attempts }) => attempts.map(({ result }) => result))
    expect(results).toContainEqual(['RPC_NO_SUCH_SERVICE', 'ok'])
    expect(results).toContainEqual(['ok'])
  })

  it('ends also for calls that fail, are given up, or find nobody', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry, { onHandlerFailure: () => {} })
    await server.provide('s', { fail: () => Promise.reject(new Error('x')) })
    const journeys: Journey[] = []
    const client = callFrom(registry, { onJourney: (journey) => journeys.push(journey) })
    await expect(client.invoke('s', 'fail')).rejects.toThrow()
    await expect(client.invoke('nobody', 'a')).rejects.toThrow()
    await expect(client.invoke('s', 'fail', [], { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(journeys).toMatchObject([
      { result: 'RPC_INTERNAL', outcome: 'unknown', attempts: [{ result: 'RPC_INTERNAL' }] },
      { result: 'RPC_NO_INSTANCE', outcome: 'not-executed', attempts: [] },
      { result: 'aborted', attempts: [] },
    ])
  })

  it('is published for tools while they listen, and only then', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('s', { a: () => 1 })
    const client = callFrom(registry)
    const heard: Journey[] = []
    const listen = (message: unknown): void => {
      heard.push(message as Journey)
    }
    await client.invoke('s', 'a')
    channel(JOURNEY_CHANNEL).subscribe(listen)
    await client.invoke('s', 'a')
    channel(JOURNEY_CHANNEL).unsubscribe(listen)
    await client.invoke('s', 'a')
    expect(heard).toMatchObject([{ service: 's', method: 'a', result: 'ok' }])
  })
})
