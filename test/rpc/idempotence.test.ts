import { describe, expect, it } from 'vitest'
import { type FakeServer, fakeServer } from './fake-server.ts'
import { callFrom, MemoryRegistry } from './fixture.ts'

const IDEMPOTENT = { metadata: { idempotent: 'a' } }
/** Its turn comes first. */
const FIRST = { weight: 10_000 }

/** Answers, and counts. */
async function answering(): Promise<FakeServer & { readonly calls: () => number }> {
  let calls = 0
  const server = await fakeServer((frame, connection) => {
    if (frame.name !== 'CALL') return
    calls++
    connection.result(frame.callId)
  })
  return { ...server, calls: () => calls }
}

/** Takes a call and breaks the connection: it may have run. */
async function breaking(): Promise<FakeServer & { readonly calls: () => number }> {
  let calls = 0
  const server = await fakeServer((frame, connection) => {
    if (frame.name !== 'CALL') return
    calls++
    connection.socket.destroy()
  })
  return { ...server, calls: () => calls }
}

describe('a call that may have run', () => {
  it('is not made again at an instance that does not declare the method idempotent, although the first did', async () => {
    const registry = new MemoryRegistry()
    const [newer, older] = [await breaking(), await answering()]
    registry.list('s', newer.address, { version: '1.1.0', ...IDEMPOTENT, ...FIRST })
    registry.list('s', older.address, { version: '1.0.0' })
    const client = callFrom(registry, { timeoutMs: 2_000 })
    await expect(client.invoke('s', 'a', [], { retries: 5 })).rejects.toMatchObject({ outcome: 'unknown' })
    expect(newer.calls()).toBeGreaterThanOrEqual(1)
    expect(older.calls()).toBe(0)
  })

  it('is made again at one that does', async () => {
    const registry = new MemoryRegistry()
    const [broken, older, other] = [await breaking(), await answering(), await answering()]
    registry.list('s', broken.address, { ...IDEMPOTENT, ...FIRST })
    registry.list('s', older.address, { version: '0.9.0' })
    registry.list('s', other.address, IDEMPOTENT)
    const client = callFrom(registry, { timeoutMs: 2_000 })
    expect(await client.invoke('s', 'a')).toBe('ok')
    expect([broken.calls(), older.calls(), other.calls()]).toEqual([1, 0, 1])
  })

  it('is made again anywhere if the consumer says that every version may run it twice', async () => {
    const registry = new MemoryRegistry()
    const [broken, older] = [await breaking(), await answering()]
    registry.list('s', broken.address, { ...IDEMPOTENT, ...FIRST })
    registry.list('s', older.address, { version: '0.9.0' })
    const service = callFrom(registry, { timeoutMs: 2_000 }).service<{ a(): string }>('s', {
      idempotent: ['a'],
    })
    expect(await service.a()).toBe('ok')
    expect([broken.calls(), older.calls()]).toEqual([1, 1])
  })

  it('keeps to such instances also after one that refused it', async () => {
    const registry = new MemoryRegistry()
    const [broken, older] = [await breaking(), await answering()]
    const refusing = await fakeServer((frame, connection) => {
      const refusal = {
        handlerMicros: 0,
        outcome: 0,
        code: 'RPC_OVERLOADED',
        message: 'full',
        details: new Uint8Array(0),
      }
      if (frame.name === 'CALL') connection.send('ERROR', frame.callId, refusal, 1)
    })
    registry.list('s', broken.address, { ...IDEMPOTENT, ...FIRST })
    registry.list('s', refusing.address, IDEMPOTENT)
    registry.list('s', older.address)
    const call = callFrom(registry, { timeoutMs: 2_000 }).invoke('s', 'a')
    await expect(call).rejects.toMatchObject({ code: 'RPC_OVERLOADED', outcome: 'unknown' })
    expect(older.calls()).toBe(0)
  })

  it('waits at a silent instance for its deadline if there is nobody else that may run it', async () => {
    const registry = new MemoryRegistry()
    const silent = await fakeServer((frame) => {
      if (frame.name === 'CALL') registry.remove(listed.id)
    })
    const older = await answering()
    const listed = registry.list('s', silent.address, { ...IDEMPOTENT, ...FIRST })
    registry.list('s', older.address)
    const call = callFrom(registry).invoke('s', 'a', [], { timeoutMs: 600 })
    await expect(call).rejects.toMatchObject({ code: 'RPC_DEADLINE_EXCEEDED', outcome: 'unknown' })
    expect(older.calls()).toBe(0)
  })

  it('is not made again because it has an idempotency key: nobody but the handler knows what that is worth', async () => {
    const registry = new MemoryRegistry()
    const [broken, other] = [await breaking(), await answering()]
    registry.list('s', broken.address, FIRST)
    registry.list('s', other.address)
    const call = callFrom(registry, { timeoutMs: 2_000 }).invoke('s', 'a', [], { idempotencyKey: 'k1' })
    await expect(call).rejects.toMatchObject({ code: 'RPC_CONNECTION_LOST', outcome: 'unknown' })
    expect(other.calls()).toBe(0)
  })
})
