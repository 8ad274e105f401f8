import { describe, expect, it } from 'vitest'
import { currentCall } from '../../src/rpc/index.ts'
import { callFrom, type Gate, gate, MemoryRegistry, serve } from './fixture.ts'

interface Waiter {
  wait(): Promise<string>
}

/** A provider whose one method waits until its signal aborts, and tells the test. */
async function waitingProvider(
  registry: MemoryRegistry,
): Promise<{ started: Gate; aborted: Gate<unknown>; release: Gate }> {
  const started = gate()
  const aborted = gate<unknown>()
  const release = gate()
  const server = await serve(registry)
  await server.provide('waiter', {
    async wait() {
      const { signal } = currentCall()
      signal.addEventListener('abort', () => aborted.open(signal.reason), { once: true })
      started.open()
      await release.opened
      return 'too late'
    },
  })
  return { started, aborted, release }
}

describe('a call that its caller gives up', () => {
  it('rejects with the reason of the signal, and its handler hears of it', async () => {
    const registry = new MemoryRegistry()
    const provider = await waitingProvider(registry)
    const controller = new AbortController()
    const waiter = callFrom(registry).service<Waiter>('waiter', { timeoutMs: 10_000 })
    const call = waiter.with({ signal: controller.signal }).wait()
    await provider.started.opened
    const reason = new Error('no longer hungry')
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(await provider.aborted.opened).toMatchObject({ code: 'RPC_CANCELLED' })
    provider.release.open()
  })

  it('may share its signal with many others, of which the ended ones hold nothing', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const never = gate()
    await server.provide('many', { now: () => 'done', wait: () => never.opened })
    const warnings: Error[] = []
    const listen = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listen)
    try {
      const controller = new AbortController()
      const client = callFrom(registry, { timeoutMs: 10_000 })
      const options = { signal: controller.signal }
      const waiting = Array.from({ length: 20 }, () => client.invoke('many', 'wait', [], options))
      const ended = await Promise.all(
        Array.from({ length: 20 }, () => client.invoke('many', 'now', [], options)),
      )
      expect(new Set(ended)).toEqual(new Set(['done']))
      controller.abort('enough')
      for (const result of await Promise.allSettled(waiting))
        expect(result).toEqual({ status: 'rejected', reason: 'enough' })
      await new Promise((resolve) => setImmediate(resolve))
      expect(warnings).toEqual([])
    } finally {
      process.off('warning', listen)
    }
  })

  it('is not sent at all if its signal was aborted before', async () => {
    const registry = new MemoryRegistry()
    await waitingProvider(registry)
    const waiter = callFrom(registry).service<Waiter>('waiter')
    const call = waiter.with({ signal: AbortSignal.abort('never') }).wait()
    await expect(call).rejects.toBe('never')
  })

  it('leaves the connection to the others, and its late result is dropped', async () => {
    const registry = new MemoryRegistry()
    const provider = await waitingProvider(registry)
    const echoing = await serve(registry)
    await echoing.provide('echo', { echo: (text: string) => text })
    const client = callFrom(registry)
    const controller = new AbortController()
    const call = client.service<Waiter>('waiter').with({ signal: controller.signal }).wait()
    await provider.started.opened
    controller.abort()
    await expect(call).rejects.toThrow('aborted')
    provider.release.open()
    expect(await client.invoke('echo', 'echo', ['after'])).toBe('after')
  })

  it('ends the calls that its handler makes, wherever they are', async () => {
    const registry = new MemoryRegistry()
    const innermost = await waitingProvider(registry)
    const client = callFrom(registry)
    const middle = await serve(registry)
    const failed = gate<unknown>()
    await middle.provide('middle', {
      async wait() {
        return client
          .service<Waiter>('waiter', { timeoutMs: 60_000 })
          .wait()
          .catch((error: unknown) => failed.open(error))
      },
    })
    const controller = new AbortController()
    const call = client
      .service<Waiter>('middle', { timeoutMs: 60_000 })
      .with({ signal: controller.signal })
      .wait()
    await innermost.started.opened
    controller.abort()
    await expect(call).rejects.toThrow('aborted')
    expect(await innermost.aborted.opened).toMatchObject({ code: 'RPC_CANCELLED' })
    expect(await failed.opened).toMatchObject({ code: 'RPC_CANCELLED' })
    innermost.release.open()
  })
})

it('a handler hears that its caller no longer waits when the deadline passes', async () => {
  const registry = new MemoryRegistry()
  const provider = await waitingProvider(registry)
  const call = callFrom(registry).service<Waiter>('waiter', { timeoutMs: 100 }).wait()
  await expect(call).rejects.toMatchObject({ code: 'RPC_DEADLINE_EXCEEDED', outcome: 'unknown' })
  // Whichever of CANCEL and the provider's own clock comes first.
  expect(await provider.aborted.opened).toMatchObject({
    code: expect.stringMatching(/RPC_(CANCELLED|DEADLINE_EXCEEDED)/),
  })
  provider.release.open()
})

it('a handler hears that its caller is gone when the connection is lost', async () => {
  const registry = new MemoryRegistry()
  const provider = await waitingProvider(registry)
  const client = callFrom(registry)
  const call = client.service<Waiter>('waiter', { timeoutMs: 10_000 }).wait()
  await provider.started.opened
  await client.close({ timeoutMs: 0 })
  await expect(call).rejects.toMatchObject({ code: 'RPC_CONNECTION_LOST', outcome: 'unknown' })
  expect(await provider.aborted.opened).toMatchObject({ code: 'RPC_CONNECTION_LOST' })
  provider.release.open()
})

it('a handler that asks for its signal too late finds it aborted', async () => {
  const registry = new MemoryRegistry()
  const started = gate()
  const cancelled = gate()
  const seen = gate<boolean>()
  const server = await serve(registry)
  await server.provide('late', {
    async wait() {
      started.open()
      await cancelled.opened
      seen.open(currentCall().signal.aborted)
    },
    ping: () => 'pong',
  })
  const client = callFrom(registry)
  const controller = new AbortController()
  const call = client.invoke('late', 'wait', [], { signal: controller.signal })
  await started.opened
  controller.abort()
  await expect(call).rejects.toThrow('aborted')
  // The answer shows that CANCEL, which was written before, has arrived.
  await client.invoke('late', 'ping')
  cancelled.open()
  expect(await seen.opened).toBe(true)
})
