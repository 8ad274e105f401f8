import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Client, Journey } from '../../src/rpc/index.ts'
import { startSwallowingProxy } from '../shop/swallowing-proxy.ts'
import { atEnd, callFrom, MemoryRegistry } from './fixture.ts'
import { type ProviderProcess, startProvider, type Work } from './provider-process.ts'

async function twoProviders(): Promise<{
  registry: MemoryRegistry
  providers: readonly [ProviderProcess, ProviderProcess]
}> {
  const registry = new MemoryRegistry()
  const providers = await Promise.all([startProvider(), startProvider()] as const)
  for (const { address } of providers) registry.list('work', address)
  return { registry, providers }
}

/** Calls until both providers have answered. */
async function warmUp(work: Client<Work>): Promise<void> {
  const pids = new Set<number>()
  while (pids.size < 2) pids.add(await work.pid())
}

describe('when a provider is killed', () => {
  it('calls go on: what surely did not run and what is idempotent goes to the other', async () => {
    const { registry, providers } = await twoProviders()
    const [killed, left] = providers
    const work = callFrom(registry).service<Work>('work', { timeoutMs: 10_000, idempotent: ['pid'] })
    await warmUp(work)
    const answers: number[] = []
    for (let i = 0; i < 40; i++) {
      if (i === 10) killed.child.kill('SIGKILL')
      answers.push(...(await Promise.all(Array.from({ length: 8 }, () => work.pid()))))
    }
    expect(new Set(answers.slice(-100))).toEqual(new Set([left.pid]))
  })

  it('a call that may not run twice is not made again, and its caller is told that nobody knows', async () => {
    const { registry } = await twoProviders()
    const journeys: Journey[] = []
    const client = callFrom(registry, { onJourney: (journey) => journeys.push(journey) })
    const work = client.service<Work>('work', { timeoutMs: 10_000 })
    await expect(work.die()).rejects.toMatchObject({ code: 'RPC_CONNECTION_LOST', outcome: 'unknown' })
    expect(journeys.at(-1)).toMatchObject({
      method: 'die',
      attempts: [{ attempt: 1, result: 'RPC_CONNECTION_LOST' }],
      outcome: 'unknown',
    })
  })

  it('an idempotent call that kills every provider it meets ends with the outcome unknown', async () => {
    const { registry } = await twoProviders()
    const work = callFrom(registry).service<Work>('work', { timeoutMs: 10_000, idempotent: ['die'] })
    await expect(work.die()).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it('it is called again once it is back', async () => {
    const { registry, providers } = await twoProviders()
    const [killed] = providers
    const work = callFrom(registry).service<Work>('work', { timeoutMs: 10_000, idempotent: ['pid'] })
    await warmUp(work)
    await killed.kill()
    await work.pid()
    const back = await startProvider(killed.address.port)
    await expect.poll(() => work.pid(), { timeout: 15_000, interval: 20 }).toBe(back.pid)
  })
})

describe('when a provider is frozen', () => {
  it('idempotent calls go to the other long before their deadline, and later ones avoid it', async () => {
    const { registry, providers } = await twoProviders()
    const [frozen, left] = providers
    const work = callFrom(registry).service<Work>('work', { timeoutMs: 3_000, idempotent: ['pid'] })
    await warmUp(work)
    frozen.child.kill('SIGSTOP')
    const startMs = performance.now()
    expect(await Promise.all([work.pid(), work.pid(), work.pid(), work.pid()])).toEqual([
      left.pid,
      left.pid,
      left.pid,
      left.pid,
    ])
    expect(performance.now() - startMs).toBeLessThan(2_500)
    const laterMs = performance.now()
    for (let i = 0; i < 20; i++) expect(await work.pid()).toBe(left.pid)
    expect(performance.now() - laterMs).toBeLessThan(1_000)
    frozen.child.kill('SIGCONT')
    await expect.poll(() => work.pid(), { timeout: 15_000, interval: 20 }).toBe(frozen.pid)
  })

  it('a call that may not run twice waits for its deadline, and the next ones do not follow it there', async () => {
    const { registry, providers } = await twoProviders()
    const [frozen, left] = providers
    const client = callFrom(registry)
    const work = client.service<Work>('work', { timeoutMs: 3_000 })
    await warmUp(work)
    frozen.child.kill('SIGSTOP')
    let settled = 0
    const calls = [work.pid(), work.pid()]
    for (const call of calls) call.catch(() => {}).finally(() => settled++)
    // Long before anyone's deadline it is known which of them will not be answered.
    await expect
      .poll(() => client.status.filter(({ suspected }) => suspected), { timeout: 2_500 })
      .toHaveLength(1)
    for (let i = 0; i < 10; i++) expect(await work.pid()).toBe(left.pid)
    expect(settled).toBe(1)
    const results = await Promise.allSettled(calls)
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'RPC_DEADLINE_EXCEEDED', outcome: 'unknown' },
    })
  })
})

describe('when a network swallows what is sent', () => {
  it('idempotent calls go elsewhere, the connection is given up, and the instance is found again', async () => {
    const registry = new MemoryRegistry()
    const [behind, direct] = await Promise.all([startProvider(), startProvider()])
    const proxy = await startSwallowingProxy()
    atEnd(() => proxy.close())
    proxy.target = behind.address.port
    registry.list('work', { host: '127.0.0.1', port: proxy.port })
    registry.list('work', direct.address)
    const client = callFrom(registry, { keepaliveTimeoutMs: 500 })
    const work = client.service<Work>('work', { timeoutMs: 3_000, idempotent: ['pid'] })
    await warmUp(work)
    proxy.swallow()
    const startMs = performance.now()
    expect(await Promise.all([work.pid(), work.pid()])).toEqual([direct.pid, direct.pid])
    expect(performance.now() - startMs).toBeLessThan(2_500)
    const through = (): string | undefined =>
      client.status.find(({ address }) => address.endsWith(`:${proxy.port}`))?.state
    await expect.poll(through, { timeout: 10_000 }).not.toBe('connected')
    for (let i = 0; i < 10; i++) expect(await work.pid()).toBe(direct.pid)
  })

  it('a server that accepts and says nothing costs calls that may not run twice no more than a share of their time', async () => {
    const registry = new MemoryRegistry()
    const mute = createServer()
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    atEnd(() => mute.close())
    const real = await startProvider()
    registry.list('work', { host: '127.0.0.1', port: (mute.address() as { port: number }).port })
    registry.list('work', real.address)
    const work = callFrom(registry).service<Work>('work', { timeoutMs: 3_000 })
    expect(await Promise.all([work.pid(), work.pid()])).toEqual([real.pid, real.pid])
    const laterMs = performance.now()
    for (let i = 0; i < 10; i++) expect(await work.pid()).toBe(real.pid)
    expect(performance.now() - laterMs).toBeLessThan(1_000)
  })
})

it('an attempt says which one it is', async () => {
  const registry = new MemoryRegistry()
  const gone = await startProvider()
  const real = await startProvider()
  const work = callFrom(registry).service<Work>('work', { timeoutMs: 10_000 })
  registry.list('work', gone.address)
  expect(await work.attempt()).toBe(1)
  await gone.kill()
  registry.list('work', real.address)
  const attempts = [await work.attempt(), await work.attempt()]
  expect(attempts.at(-1)).toBe(1)
  expect(attempts[0]).toBeLessThanOrEqual(2)
})

it('an instance that is slow but alive keeps its call, idempotent or not', async () => {
  const registry = new MemoryRegistry()
  const { createRpcServer } = await import('../../src/rpc/index.ts')
  let calls = 0
  for (const _ of [1, 2]) {
    const server = await createRpcServer({ registry })
    atEnd(() => server.drain({ timeoutMs: 0 }))
    await server.provide('slow', {
      async work() {
        calls++
        const until = performance.now() + 700
        while (performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
        return 'done'
      },
    })
  }
  const client = callFrom(registry)
  expect(await client.invoke('slow', 'work', [], { idempotent: true, timeoutMs: 2_000, retries: 5 })).toBe(
    'done',
  )
  expect(calls).toBe(1)
})
