import { describe, expect, it } from 'vitest'
import { type AnyFrame, PREFACE } from '../../src/rpc/core/index.ts'
import { type FakeConnection, fakeServer } from './fake-server.ts'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

const EMPTY = new Uint8Array(0)

async function clientOf(server: { readonly address: { host: string; port: number } }) {
  const registry = new MemoryRegistry()
  registry.list('s', server.address)
  return callFrom(registry, { timeoutMs: 10_000 })
}

describe('a client that meets a server', () => {
  it('of other versions says so in its calls', async () => {
    const client = await clientOf(await fakeServer(() => {}, { versionMin: 8, versionMax: 9 }))
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({
      code: 'RPC_VERSION_MISMATCH',
      outcome: 'not-executed',
      message: expect.stringContaining('8 to 9'),
    })
  })

  it('of another framing says so in its calls', async () => {
    const client = await clientOf(await fakeServer(() => {}, Uint8Array.of(...PREFACE.subarray(0, 7), 2)))
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({ code: 'RPC_VERSION_MISMATCH' })
  })

  it('without a common codec says so in its calls', async () => {
    const client = await clientOf(await fakeServer(() => {}, { codecs: Uint8Array.of(9) }))
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({ code: 'RPC_CODEC_MISMATCH' })
  })

  it('of another protocol says that it cannot be reached', async () => {
    const http = new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')
    const client = await clientOf(await fakeServer(() => {}, http))
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({
      code: 'RPC_UNREACHABLE',
      outcome: 'not-executed',
    })
  })

  it('that takes few calls at once sends the others when there is room', async () => {
    let most = 0
    const waiting = new Set<number>()
    const server = await fakeServer(
      (frame, connection) => {
        if (frame.name !== 'CALL') return
        waiting.add(frame.callId)
        most = Math.max(most, waiting.size)
        setImmediate(() => {
          waiting.delete(frame.callId)
          connection.result(frame.callId)
        })
      },
      { maxInFlight: 3 },
    )
    const client = await clientOf(server)
    const calls = Array.from({ length: 50 }, () => client.invoke('s', 'a'))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']))
    expect(most).toBe(3)
  })

  it('that keeps few method names opens another connection for the next', async () => {
    const server = await fakeServer(
      (frame, connection) => {
        if (frame.name === 'CALL') connection.result(frame.callId)
      },
      { maxDefinitions: 2 },
    )
    const client = await clientOf(server)
    for (const method of ['a', 'b', 'c', 'a', 'd', 'e', 'a'])
      expect(await client.invoke('s', method)).toBe('ok')
    const defined = server.connections.map(
      ({ frames }) => frames.filter(({ name }) => name === 'DEFINE').length,
    )
    expect(Math.max(...defined)).toBe(2)
    expect(defined.length).toBeGreaterThan(1)
    await expect.poll(() => server.connections.filter(({ socket }) => !socket.destroyed).length).toBe(1)
  })

  it('that goes away makes again elsewhere what was not taken, and waits for what was', async () => {
    const server = await fakeServer((frame, connection) => {
      if (frame.name !== 'CALL') return
      if (frame.callId === 3) {
        connection.send('GOAWAY', 0, { lastCallId: 1, reason: 1, drainMs: 1_000, message: 'bye' })
        setImmediate(() => connection.result(1))
      }
    })
    const registry = new MemoryRegistry()
    registry.list('s', server.address)
    const client = callFrom(registry, { timeoutMs: 10_000 })
    const calls = [1, 2, 3].map(() => client.invoke('s', 'a'))
    const other = await serve(registry)
    await other.provide('s', { a: () => 'elsewhere' })
    expect((await Promise.all(calls)).sort()).toEqual(['elsewhere', 'elsewhere', 'ok'])
    // Whoever said goodbye is left in peace.
    await expect.poll(() => server.connections[0]!.socket.destroyed).toBe(true)
    expect(await client.invoke('s', 'a')).toBe('elsewhere')
  })

  it.each<[string, (frame: AnyFrame, connection: FakeConnection) => void]>([
    [
      'answers a call that was never made',
      (_frame, connection) => connection.send('RESULT', 99, { handlerMicros: 0, value: EMPTY }),
    ],
    ['calls its client', (_frame, connection) => connection.send('CANCEL', 1, { reason: 1 })],
    ['streams unasked', (frame, connection) => connection.send('DATA', frame.callId, { value: EMPTY })],
    [
      'sends an error that no server writes',
      (frame, connection) =>
        connection.send('ERROR', frame.callId, {
          handlerMicros: 0,
          outcome: 9,
          code: 'X',
          message: '',
          details: EMPTY,
        }),
    ],
    [
      'sends an error with a code in small letters',
      (frame, connection) =>
        connection.send('ERROR', frame.callId, {
          handlerMicros: 0,
          outcome: 0,
          code: 'x y',
          message: '',
          details: EMPTY,
        }),
    ],
    ['sends garbage', (_frame, connection) => connection.socket.write(new Uint8Array(100).fill(7))],
    [
      'sends half a frame header and ends',
      (_frame, connection) => connection.socket.write(Uint8Array.of(0, 0)),
    ],
  ])('that %s drops it, and the outcome of its calls is unknown', async (_what, misbehave) => {
    const server = await fakeServer((frame, connection) => {
      if (frame.name !== 'CALL') return
      misbehave(frame, connection)
      connection.socket.end()
    })
    const client = await clientOf(server)
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({
      code: 'RPC_CONNECTION_LOST',
      outcome: 'unknown',
    })
  })

  it('whose answer cannot be read rejects that call as executed, and the connection goes on', async () => {
    const server = await fakeServer((frame, connection) => {
      if (frame.name === 'CALL')
        connection.result(frame.callId, frame.callId === 1 ? Uint8Array.of(0xc1) : undefined)
    })
    const client = await clientOf(server)
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({
      code: 'RPC_BODY_INVALID',
      outcome: 'executed',
    })
    expect(await client.invoke('s', 'a')).toBe('ok')
    expect(server.connections).toHaveLength(1)
  })

  it('that answers too late, or twice, is not held against it', async () => {
    const server = await fakeServer((frame, connection) => {
      if (frame.name === 'CANCEL' || (frame.name === 'CALL' && frame.callId !== 1)) {
        connection.result(frame.callId)
        connection.result(frame.callId)
      }
    })
    const client = await clientOf(server)
    await expect(client.invoke('s', 'a', [], { timeoutMs: 50 })).rejects.toThrow('deadline')
    expect(await client.invoke('s', 'a')).toBe('ok')
    expect(await client.invoke('s', 'a')).toBe('ok')
    expect(server.connections).toHaveLength(1)
  })

  it('is asked for a sign of life when it is silent, and answers one that is asked of it', async () => {
    const server = await fakeServer((frame, connection) => {
      if (frame.name === 'CALL') {
        connection.result(frame.callId)
        connection.send('PING', 0, { token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) })
      }
    })
    const registry = new MemoryRegistry()
    registry.list('s', server.address)
    const client = callFrom(registry, { keepaliveMs: 1, keepaliveTimeoutMs: 300 })
    expect(await client.invoke('s', 'a')).toBe('ok')
    const seen = (name: string) => server.connections[0]!.frames.filter((frame) => frame.name === name)
    await expect
      .poll(() => seen('PONG'))
      .toMatchObject([{ fields: { token: Buffer.of(1, 2, 3, 4, 5, 6, 7, 8) } }])
    await expect.poll(() => seen('PING').length, { timeout: 5_000 }).toBe(1)
    // It does not answer: the connection is given up, and another made.
    await expect.poll(() => server.connections.length, { timeout: 10_000 }).toBe(2)
  })
})

it('a client that was busy reads the signs of life that came meanwhile before it judges', async () => {
  let pings = 0
  const server = await fakeServer((frame, connection) => {
    if (frame.name === 'CALL') connection.result(frame.callId)
    if (frame.name !== 'PING') return
    connection.send('PONG', 0, frame.fields)
    // The answer lies in the buffer of the operating system while this process does something else.
    if (++pings === 1) for (const until = performance.now() + 1_500; performance.now() < until; );
  })
  const registry = new MemoryRegistry()
  registry.list('s', server.address)
  const client = callFrom(registry, { keepaliveMs: 1, keepaliveTimeoutMs: 300 })
  expect(await client.invoke('s', 'a')).toBe('ok')
  await expect.poll(() => pings, { timeout: 10_000 }).toBeGreaterThan(1)
  expect(server.connections).toHaveLength(1)
})

it('calls that wait for a connection are bounded', async () => {
  const server = await fakeServer(() => {}, EMPTY)
  const registry = new MemoryRegistry()
  registry.list('s', server.address)
  const client = callFrom(registry, { maxQueued: 2, timeoutMs: 300 })
  const waiting = [1, 2].map(() => client.invoke('s', 'a'))
  await expect(client.invoke('s', 'a')).rejects.toMatchObject({
    code: 'RPC_QUEUE_FULL',
    outcome: 'not-executed',
  })
  for (const call of waiting)
    await expect(call).rejects.toMatchObject({ code: 'RPC_DEADLINE_EXCEEDED', outcome: 'not-executed' })
})

it('services that were asked for by name are forgotten after many others', async () => {
  const registry = new MemoryRegistry()
  let watched = 0
  const watch = registry.watch.bind(registry)
  registry.watch = (service) => {
    watched++
    const made = watch(service)
    const subscribe = made.subscribe.bind(made)
    made.subscribe = (listener) => {
      const unsubscribe = subscribe(listener)
      return () => {
        watched--
        unsubscribe()
      }
    }
    return made
  }
  const client = callFrom(registry)
  for (let n = 0; n < 1_000; n++) await expect(client.invoke(`s${n}`, 'a')).rejects.toThrow('none is listed')
  expect(watched).toBeLessThanOrEqual(256)
})

it.each(['connectTimeoutMs', 'keepaliveMs', 'keepaliveTimeoutMs'])(
  '%s of a client is bounded by what a timer can hold',
  async (option) => {
    for (const ms of [0, 2 ** 31])
      expect(() => callFrom(new MemoryRegistry(), { [option]: ms })).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(option) }),
      )
    callFrom(new MemoryRegistry(), { [option]: 2 ** 31 - 1 })
  },
)
