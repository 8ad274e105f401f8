import { describe, expect, it } from 'vitest'
import type { InstanceList, ServiceWatch } from '../../src/registry/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

/** A registry that has no list before the test gives it one. */
class LateRegistry extends MemoryRegistry {
  readonly answer = gate<InstanceList | Error>()
  #answered: InstanceList | undefined

  override watch(service: string): ServiceWatch {
    const real = super.watch(service)
    const current = (): InstanceList | undefined => this.#answered && real.current
    const ready = async (): Promise<InstanceList> => {
      const answer = await this.answer.opened
      if (answer instanceof Error) throw answer
      this.#answered = answer
      return answer
    }
    return {
      get current() {
        return current()
      },
      ready,
      subscribe: real.subscribe,
      close: real.close,
      [Symbol.asyncIterator]: real[Symbol.asyncIterator],
    }
  }
}

describe('a call for which there is no list yet', () => {
  it('waits for it', async () => {
    const registry = new LateRegistry()
    const server = await serve(undefined)
    await server.provide('s', { a: () => 'found' })
    const call = callFrom(registry, { timeoutMs: 10_000 }).invoke('s', 'a')
    const instance = registry.list('s', server.address)
    registry.answer.open({ service: 's', revision: 1, instances: [instance], source: 'cached' })
    expect(await call).toBe('found')
  })

  it('fails with what the registry says if that refuses', async () => {
    const registry = new LateRegistry()
    const call = callFrom(registry).invoke('s', 'a')
    const refusal = new Error('not for you')
    registry.answer.open(refusal)
    await expect(call).rejects.toBe(refusal)
  })

  it('waits no longer than its deadline, and surely did not run', async () => {
    const client = callFrom(new LateRegistry())
    await expect(client.invoke('s', 'a', [], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'RPC_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    })
  })
})

describe('a list that changes', () => {
  it('takes effect with the next call: new instances, gone ones, draining ones, weights of zero', async () => {
    const registry = new MemoryRegistry()
    const [first, second] = [await serve(undefined), await serve(undefined)]
    await first.provide('s', { which: () => 'first' })
    await second.provide('s', { which: () => 'second' })
    const client = callFrom(registry)
    const answers = async (): Promise<Set<unknown>> =>
      new Set(await Promise.all(Array.from({ length: 10 }, () => client.invoke('s', 'which'))))
    const one = registry.list('s', first.address)
    expect(await answers()).toEqual(new Set(['first']))
    const two = registry.list('s', second.address)
    expect(await answers()).toEqual(new Set(['first', 'second']))
    registry.add({ ...one, state: 'draining' })
    expect(await answers()).toEqual(new Set(['second']))
    registry.add(one)
    registry.add({ ...two, weight: 0 })
    expect(await answers()).toEqual(new Set(['first']))
    registry.add({ ...two, weight: 100 })
    registry.remove(one.id)
    expect(await answers()).toEqual(new Set(['second']))
  })

  it('lets go of the connection to an address that nobody lists any more', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(undefined)
    await server.provide('s', { a: () => 1 })
    const { id } = registry.list('s', server.address)
    const client = callFrom(registry)
    await client.invoke('s', 'a')
    expect(client.status).toHaveLength(1)
    registry.remove(id)
    await expect.poll(() => client.status, { timeout: 5_000 }).toEqual([])
  })

  it('does not break calls that are under way', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(undefined)
    const started = gate()
    const release = gate()
    await server.provide('s', {
      async work() {
        started.open()
        await release.opened
        return 'done'
      },
    })
    const { id } = registry.list('s', server.address)
    const call = callFrom(registry, { timeoutMs: 10_000 }).invoke('s', 'work')
    await started.opened
    registry.remove(id)
    release.open()
    expect(await call).toBe('done')
  })
})

it('what a provider declares idempotent is retried for consumers that say nothing', async () => {
  const registry = new MemoryRegistry()
  let calls = 0
  const breaking = await serve(undefined)
  await breaking.provide('s', {
    async touch() {
      calls++
      await breaking.drain({ timeoutMs: 0 })
    },
  })
  registry.list('s', breaking.address, { metadata: { idempotent: 'other,touch' } })
  const client = callFrom(registry, { timeoutMs: 10_000 })
  const call = client.invoke('s', 'touch')
  const other = await serve(registry)
  await other.provide('s', { touch: () => 'again' }, { idempotent: ['touch'] })
  expect(await call).toBe('again')
  expect(calls).toBe(1)
  expect(registry.watch('s').current?.instances.at(-1)?.metadata).toEqual({ idempotent: 'touch' })
})
