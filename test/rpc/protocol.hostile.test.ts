import { describe, expect, it } from 'vitest'
import { PREFACE } from '../../src/rpc/core/index.ts'
import { currentCall, type RpcServer, type RpcServerOptions } from '../../src/rpc/index.ts'
import { callFrom, type Gate, gate, MemoryRegistry, serve } from './fixture.ts'
import { callBytes, frameBytes, HELLO, RawClient } from './raw-client.ts'

interface Attacked {
  readonly server: RpcServer
  readonly release: Gate
  /** Handlers that were started. */
  started(): number
  /** An honest client is served, whatever the others do. */
  honest(): Promise<void>
}

async function attacked(options: RpcServerOptions = {}): Promise<Attacked> {
  const registry = new MemoryRegistry()
  const server = await serve(registry, options)
  const release = gate()
  let started = 0
  await server.provide('echo', {
    echo: (text: string) => text,
    metadata: () => ({ ...currentCall().metadata }),
    async hold() {
      started++
      await release.opened
      return 'held'
    },
  })
  const client = callFrom(registry, { timeoutMs: 10_000 })
  const honest = async (): Promise<void> => {
    expect(await client.invoke('echo', 'echo', ['honest'])).toBe('honest')
  }
  await honest()
  return { server, release, started: () => started, honest }
}

describe('a peer whose first words are wrong', () => {
  it.each([
    ['HTTP', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['half of the preface and then something else', Uint8Array.of(...PREFACE.subarray(0, 4), 1, 2, 3, 4)],
    ['frames without a preface', frameBytes('HELLO', 0, HELLO)],
    ['TLS', Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01)],
  ])('such as %s is closed without an answer', async (_what, bytes) => {
    const { server, honest } = await attacked()
    const client = await RawClient.connect(server.address)
    client.peer.send(bytes)
    await client.peer.closed
    expect(client.peer.receivedBytes).toBe(0)
    await honest()
  })

  it('because it uses another framing is told ours and closed', async () => {
    const { server } = await attacked()
    const client = await RawClient.connect(server.address)
    client.peer.send(Uint8Array.of(...PREFACE.subarray(0, 7), 9))
    await client.peer.closed
    expect(new Uint8Array(client.peer.received)).toEqual(PREFACE)
  })

  it('and that shares no version is told our range and why, and closed', async () => {
    const { server } = await attacked()
    const client = await RawClient.connect(server.address)
    client.peer.send(PREFACE)
    client.send('HELLO', 0, { ...HELLO, versionMin: 7, versionMax: 9 })
    await client.peer.closed
    expect(client.frames).toMatchObject([
      { name: 'HELLO', fields: { versionMin: 1, versionMax: 1 } },
      {
        name: 'GOAWAY',
        fields: { reason: 2, lastCallId: 0, message: expect.stringContaining('RPC_VERSION_MISMATCH') },
      },
    ])
  })

  it('and that shares no codec is told so and closed', async () => {
    const { server } = await attacked()
    const client = await RawClient.connect(server.address)
    client.peer.send(PREFACE)
    client.send('HELLO', 0, { ...HELLO, codecs: Uint8Array.of(77) })
    await client.peer.closed
    expect(client.frames[1]).toMatchObject({ name: 'GOAWAY', fields: { reason: 3 } })
  })
})

describe('a peer that breaks the rules', () => {
  it.each<[string, (client: RawClient) => void]>([
    [
      'a frame type that does not exist',
      (client) => client.peer.send(Uint8Array.of(0, 0, 0, 6, 0x7f, 0, 0, 0, 0, 1)),
    ],
    ['a second HELLO', (client) => client.send('HELLO', 0, HELLO)],
    [
      'a frame that only servers send',
      (client) => client.send('GOAWAY', 0, { lastCallId: 0, reason: 1, drainMs: 0, message: '' }),
    ],
    ['a call of a method that it did not define', (client) => client.call(1, { methodId: 9 })],
    ['definitions out of order', (client) => client.define(7, 'echo', 'echo')],
    ['a definition again', (client) => client.define(0, 'echo', 'hold')],
    ['the same call twice', (client) => [1, 1].map((id) => client.call(id))],
    ['calls that count down', (client) => [5, 4].map((id) => client.call(id))],
    ['a call with the number of the connection', (client) => client.call(0)],
    [
      'flags that do not exist',
      (client) => client.peer.send(frameBytes('PING', 0, { token: new Uint8Array(8) }, 0x40)),
    ],
    ['metadata that reaches past the frame', (client) => client.peer.send(withByte(callBytes(1), 17, 0xff))],
    [
      'text that is not UTF-8',
      (client) =>
        client.peer.send(
          withByte(
            frameBytes('DEFINE', 0, { methodId: 1, service: 'x', group: '', version: '', method: '' }),
            13,
            0xff,
          ),
        ),
    ],
  ])('with %s is told and closed, and nobody else notices', async (_what, attack) => {
    const { server, honest } = await attacked()
    const client = await RawClient.greeted(server.address)
    attack(client)
    await client.peer.closed
    expect(client.frames.at(-1)).toMatchObject({
      name: 'GOAWAY',
      fields: { reason: 4, message: expect.stringMatching(/^RPC_(FRAME_INVALID|PROTOCOL_VIOLATION)/) },
    })
    await honest()
    expect(server.inFlight).toBe(0)
  })

  it.each(['DATA', 'END', 'CREDIT', 'ONEWAY'] as const)(
    'with a %s frame, whose feature nobody announced, is refused that and may go on',
    async (name) => {
      const { server } = await attacked()
      const client = await RawClient.greeted(server.address)
      const empty = {
        value: new Uint8Array(0),
        bytes: 1,
        methodId: 0,
        metadata: new Uint8Array(0),
        args: new Uint8Array(0),
      }
      client.send(name, 3, empty)
      expect(await client.frame('ERROR', 3)).toMatchObject({
        fields: { code: 'RPC_FRAME_UNSUPPORTED', outcome: 0 },
      })
      client.call(4)
      expect(await client.frame('RESULT', 4)).toBeDefined()
    },
  )
})

describe('a peer that asks for what is not there', () => {
  it.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'then',
    'valueOf',
    '',
    '__defineGetter__',
  ])('such as the method %j is refused before anything runs', async (method) => {
    const { server } = await attacked()
    const client = await RawClient.greeted(server.address, 'echo', method)
    client.call(1)
    expect(await client.frame('ERROR', 1)).toMatchObject({
      fields: { code: 'RPC_NO_SUCH_METHOD', outcome: 0 },
    })
  })

  it.each(['constructor', '__proto__', 'nothing'])('such as the service %j is refused', async (service) => {
    const { server } = await attacked()
    const client = await RawClient.greeted(server.address, service, 'echo')
    client.call(1)
    expect(await client.frame('ERROR', 1)).toMatchObject({
      fields: { code: 'RPC_NO_SUCH_SERVICE', outcome: 0 },
    })
  })

  it('finds a method that was provided after it was named', async () => {
    const { server } = await attacked()
    const client = await RawClient.greeted(server.address, 'later', 'a')
    client.call(1)
    expect(await client.frame('ERROR', 1)).toMatchObject({
      flags: 1,
      fields: { code: 'RPC_NO_SUCH_SERVICE' },
    })
    await server.provide('later', { a: () => 'here' })
    client.call(2)
    expect(await client.frame('RESULT', 2)).toBeDefined()
  })
})

describe('a peer that sends too much', () => {
  it('in flight on one connection is refused before its arguments are read', async () => {
    const { server, release, honest } = await attacked({ maxInFlight: 5 })
    const client = await RawClient.greeted(server.address, 'echo', 'hold')
    for (let id = 1; id <= 5; id++) client.call(id)
    // Arguments that cannot be decoded: refused for the bound, not for them.
    client.call(6, { args: Uint8Array.of(0xc1) })
    expect(await client.frame('ERROR', 6)).toMatchObject({
      flags: 1,
      fields: { code: 'RPC_OVERLOADED', outcome: 0 },
    })
    expect(server.inFlight).toBe(5)
    await honest()
    release.open()
    expect(await client.frame('RESULT', 5)).toBeDefined()
    client.call(7)
    expect(await client.frame('RESULT', 7)).toBeDefined()
  })

  it('in flight over many connections is refused above the bound of the process', async () => {
    const { server, release } = await attacked({ maxInFlight: 5, maxInFlightTotal: 8 })
    const first = await RawClient.greeted(server.address, 'echo', 'hold')
    const second = await RawClient.greeted(server.address, 'echo', 'hold')
    for (let id = 1; id <= 5; id++) first.call(id)
    await expect.poll(() => server.inFlight).toBe(5)
    for (let id = 1; id <= 4; id++) second.call(id)
    expect(await second.frame('ERROR', 4)).toMatchObject({
      fields: { code: 'RPC_OVERLOADED', message: expect.stringContaining('maxInFlightTotal') },
    })
    release.open()
    expect(await second.frame('RESULT', 3)).toBeDefined()
  })

  it('and cancels it at once gets no more handlers than its bound', async () => {
    const { server, started, release, honest } = await attacked({ maxInFlight: 5 })
    const client = await RawClient.greeted(server.address, 'echo', 'hold')
    for (let id = 1; id <= 2_000; id++) {
      client.call(id)
      if (id % 7 === 0) client.send('PING', 0, { token: new Uint8Array(8) })
      client.send('CANCEL', id, { reason: 1 })
    }
    client.call(2_001)
    await client.frame('PONG')
    await honest()
    expect(started()).toBeLessThanOrEqual(5)
    expect(server.inFlight).toBeLessThanOrEqual(5)
    release.open()
    await expect.poll(() => server.inFlight).toBe(0)
  })

  it('in one batch that it cancels in the same starts no handler at all', async () => {
    const { server, started } = await attacked()
    const client = await RawClient.greeted(server.address, 'echo', 'hold')
    const batch = [1, 2, 3].flatMap((id) => [callBytes(id), frameBytes('CANCEL', id, { reason: 1 })])
    client.peer.send(Buffer.concat([...batch, frameBytes('PING', 0, { token: new Uint8Array(8) })]))
    await client.frame('PONG')
    expect(started()).toBe(0)
    expect(server.inFlight).toBe(0)
  })

  it('in definitions is closed at the bound', async () => {
    const { server, honest } = await attacked()
    const client = await RawClient.greeted(server.address)
    const name = 'x'.repeat(255)
    for (let id = 1; id <= 2_000; id++)
      client.peer.send(
        frameBytes('DEFINE', 0, { methodId: id, service: name, group: name, version: name, method: name }),
      )
    await client.peer.closed
    expect(client.frames.at(-1)).toMatchObject({
      fields: { message: expect.stringContaining('RPC_DEFINITION_LIMIT') },
    })
    await honest()
  })

  it('in metadata is refused, and its connection goes on', async () => {
    const { server } = await attacked()
    const client = await RawClient.greeted(server.address)
    client.call(1, { metadata: new Uint8Array(60_000) })
    expect(await client.frame('ERROR', 1)).toMatchObject({
      flags: 0,
      fields: { code: 'RPC_METADATA_INVALID', outcome: 0 },
    })
    client.call(2)
    expect(await client.frame('RESULT', 2)).toBeDefined()
  })

  it.each([
    ['arguments that are no list', Uint8Array.of(0x01)],
    ['arguments that cannot be read', Uint8Array.of(0x91, 0xc1)],
    ['arguments that nest without end', new Uint8Array(100_000).fill(0x91)],
    ['arguments that claim to be endless', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['a key __proto__', Uint8Array.of(0x91, 0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x80)],
  ])('such as %s is refused for that call alone', async (_what, args) => {
    const { server } = await attacked()
    const client = await RawClient.greeted(server.address)
    client.call(1, { args })
    expect(await client.frame('ERROR', 1)).toMatchObject({
      flags: 0,
      fields: { code: 'RPC_BODY_INVALID', outcome: 0 },
    })
    client.call(2)
    expect(await client.frame('RESULT', 2)).toBeDefined()
  })

  it('of nothing but garbage, byte by byte or at once, stops nobody', async () => {
    const { server, honest } = await attacked()
    for (let round = 0; round < 20; round++) {
      const client = await RawClient.greeted(server.address)
      const garbage = Uint8Array.from({ length: 300 }, (_, i) => (i * 197 + round * 31) & 0xff)
      garbage.set([0, 0, 0, 40, round], 0)
      client.peer.send(garbage)
      await client.peer.closed
    }
    await honest()
    expect(server.inFlight).toBe(0)
  })
})

it('a call with no time at all gets the least there is, never all the time there is', async () => {
  const { server } = await attacked()
  const client = await RawClient.greeted(server.address, 'echo', 'hold')
  client.call(1, { timeoutMs: 0 })
  // The handler's answer is no longer wanted: the connection serves others meanwhile, and the call is dropped.
  client.define(1, 'echo', 'echo')
  client.call(2, { methodId: 1 })
  expect(await client.frame('RESULT', 2)).toBeDefined()
})

function withByte(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  bytes[at] = byte
  return bytes
}
