import { describe, expect, it } from 'vitest'
import type { InstanceList } from '../../src/registry/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

/** A registry that knows nothing yet: nobody hears a list before `answer` or `refuse`. */
function silentRegistry() {
  const registry = new MemoryRegistry()
  const watch = registry.watch.bind(registry)
  const first = gate<InstanceList>()
  let refuse: (reason: Error) => void = () => {}
  const refused = new Promise<never>((_, reject) => {
    refuse = reject
  })
  refused.catch(() => {})
  let known = false
  let asked = 0
  registry.watch = (service) => {
    const live = watch(service)
    return {
      get current() {
        return known ? live.current : undefined
      },
      ready: () => {
        asked++
        return Promise.race([first.opened, refused])
      },
      subscribe: (listener) => live.subscribe((list) => known && listener(list)),
      close: () => {},
      [Symbol.asyncIterator]: () => live[Symbol.asyncIterator](),
    }
  }
  const answer = (service: string): void => {
    known = true
    first.open(watch(service).current!)
  }
  return { registry, answer, refuse, asked: () => asked }
}

describe('while there is no list of instances', () => {
  it('calls wait, the registry is asked once for all of them, and they are made when it answers', async () => {
    const { registry, answer, asked } = silentRegistry()
    const server = await serve(registry)
    await server.provide('s', { a: () => 'done' })
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const calls = Array.from({ length: 100 }, () => client.invoke('s', 'a'))
    expect(asked()).toBe(1)
    answer('s')
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['done']))
  })

  it('calls above maxQueued are refused at once, surely not executed', async () => {
    const { registry } = silentRegistry()
    const client = callFrom(registry, { timeoutMs: 200, maxQueued: 2 })
    const service = client.service<{ a(): void }>('s')
    const waiting = [1, 2].map(() => service.a())
    await expect(service.a()).rejects.toMatchObject({ code: 'RPC_QUEUE_FULL', outcome: 'not-executed' })
    for (const call of waiting)
      await expect(call).rejects.toMatchObject({ code: 'RPC_DEADLINE_EXCEEDED', outcome: 'not-executed' })
  })

  it('a call that timed out or was aborted leaves its place, and nothing more is heard of it', async () => {
    const { registry, answer } = silentRegistry()
    let calls = 0
    const server = await serve(registry)
    await server.provide('s', { a: () => ++calls })
    const client = callFrom(registry, { maxQueued: 1 })
    for (let n = 0; n < 3; n++)
      await expect(client.invoke('s', 'a', [], { timeoutMs: 1 })).rejects.toMatchObject({
        code: 'RPC_DEADLINE_EXCEEDED',
      })
    const controller = new AbortController()
    const aborted = client.invoke('s', 'a', [], { signal: controller.signal })
    controller.abort(new Error('never mind'))
    await expect(aborted).rejects.toThrow('never mind')
    const last = client.invoke('s', 'a', [], { timeoutMs: 10_000 })
    answer('s')
    expect(await last).toBe(1)
  })

  it('calls are told what the registry says instead', async () => {
    const { registry, refuse } = silentRegistry()
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const calls = [1, 2].map(() => client.invoke('s', 'a'))
    refuse(new Error('not for you'))
    for (const call of calls) await expect(call).rejects.toThrow('not for you')
  })

  it('calls that wait end with their client', async () => {
    const { registry } = silentRegistry()
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const call = client.invoke('s', 'a')
    const ended = expect(call).rejects.toMatchObject({ code: 'RPC_CLOSED', outcome: 'not-executed' })
    await client.close()
    await ended
  })

  it('names that were asked for push out older ones, whose calls are told', async () => {
    const { registry } = silentRegistry()
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const oldest = client.invoke('oldest', 'a')
    const refused = expect(oldest).rejects.toMatchObject({ code: 'RPC_QUEUE_FULL', outcome: 'not-executed' })
    const others = Array.from({ length: 256 }, (_, n) => client.invoke(`s${n}`, 'a').catch(() => {}))
    await refused
    await client.close()
    await Promise.all(others)
  })
})
