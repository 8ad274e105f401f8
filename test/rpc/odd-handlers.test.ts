import { describe, expect, it } from 'vitest'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

/** Throws at whatever is done to it. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function answerTwice(resolve: (value: string) => void): never {
  resolve('first')
  resolve('second')
  throw new Error('third')
}

async function calling(methods: Record<string, () => unknown>, onHandlerFailure: () => void = () => {}) {
  const registry = new MemoryRegistry()
  const server = await serve(registry, { onHandlerFailure })
  await server.provide('odd', { ...methods, fine: () => 'fine' })
  return { server, client: callFrom(registry, { timeoutMs: 10_000 }) }
}

describe('a handler', () => {
  it.each([
    ['returns', () => revoked()],
    ['resolves with', async () => [revoked()]],
    ['throws', () => Promise.reject(revoked())],
  ])('that %s what throws when it is looked at fails alone, and is answered', async (_, odd) => {
    const { server, client } = await calling({ odd })
    const calls = [client.invoke('odd', 'odd'), client.invoke('odd', 'fine')]
    await expect(calls[0]).rejects.toMatchObject({ code: expect.stringContaining('RPC_') })
    expect(await calls[1]).toBe('fine')
    expect(server.inFlight).toBe(0)
  })

  it('that returns a thenable which answers twice, or throws after it answered, counts once', async () => {
    const { server, client } = await calling({
      odd: () => Object.assign(Object.create(null), { [`${'then'}`]: answerTwice }),
    })
    expect(await client.invoke('odd', 'odd')).toBe('first')
    expect(await client.invoke('odd', 'fine')).toBe('fine')
    expect(server.inFlight).toBe(0)
  })

  it('is answered also if the listener for failures fails itself', async () => {
    const { server, client } = await calling(
      {
        odd: () => {
          throw new Error('for the log')
        },
      },
      () => {
        throw new Error('the log is full')
      },
    )
    await expect(client.invoke('odd', 'odd')).rejects.toMatchObject({ code: 'RPC_INTERNAL' })
    expect(server.inFlight).toBe(0)
  })
})
