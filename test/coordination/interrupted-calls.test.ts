import { getEventListeners } from 'node:events'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CoordinationClient, connect, type WatchEvent } from '../../src/coordination/client/index.ts'
import { type EmbeddedEngine, startEmbedded } from './embedded-engine.ts'

const EMPTY = new Uint8Array(0)

/** Stands before a server; keeps replies to itself, and cuts connections. */
class Relay {
  connections = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #cut: (chunk: Buffer) => boolean

  private constructor(server: Server, cut: (chunk: Buffer) => boolean) {
    this.#server = server
    this.#cut = cut
  }

  /** `cut` says after which bytes of the client the connection ends instead of passing them on. */
  static async open(port: number, cut: (chunk: Buffer) => boolean): Promise<Relay> {
    const server = createServer((inside) => relay.#accept(inside, port))
    const relay = new Relay(server, cut)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get url(): string {
    return `fenbu://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(inside: Socket, port: number): void {
    this.connections++
    const outside = connectTcp(port, '127.0.0.1')
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
    outside.on('data', (chunk) => inside.write(chunk))
    inside.on('data', (chunk) => {
      outside.write(chunk)
      if (this.#cut(chunk)) inside.destroy()
    })
  }
}

let engine: EmbeddedEngine
let direct: CoordinationClient
let relay: Relay
let client: CoordinationClient
/** Requests of the relayed client whose connection ends before their reply. */
let cuts = 0

beforeEach(async () => {
  engine = await startEmbedded()
  direct = connect(engine.url)
  await direct.create('/a', new Uint8Array([7]))
  cuts = 0
  relay = await Relay.open(engine.port, (chunk) => chunk.includes('/a') && cuts-- > 0)
  client = connect(relay.url)
  await client.ready()
})

afterEach(async () => {
  await client.close()
  await direct.close()
  await relay.close()
  await engine.stop()
})

describe('a call whose connection ends before the reply', () => {
  it('asks again if it reads, and sets its watch', async () => {
    cuts = 2
    const told = new Promise<WatchEvent>((resolve) => {
      void client.get('/a', { watch: resolve }).then(async ({ data }) => {
        expect([...data]).toEqual([7])
        await direct.set('/a', EMPTY)
      })
    })
    expect(await told).toEqual({ type: 'data-changed', path: '/a' })
    expect(relay.connections).toBe(3)
  })

  it('keeps the order of those that ask again and those that come later', async () => {
    cuts = 1
    const ended: string[] = []
    const calls = [
      client.exists('/a').then(() => ended.push('exists')),
      client.children('/a').then(() => ended.push('children')),
      client.sync('/a').then(() => ended.push('sync')),
    ]
    await new Promise<void>((resolve) => {
      client.onState((state) => state === 'suspended' && resolve())
    })
    calls.push(client.get('/a').then(() => ended.push('get')))
    await Promise.all(calls)
    expect(ended).toEqual(['exists', 'children', 'sync', 'get'])
  })

  it('does not repeat a write: its outcome is unknown', async () => {
    cuts = 1
    await expect(client.set('/a', EMPTY)).rejects.toMatchObject({
      code: 'COORDINATION_CONNECTION_LOSS',
      outcome: 'unknown',
    })
    expect((await client.get('/a')).stat.version).toBe(1)
  })

  it('gives a read up that ends every connection', async () => {
    cuts = 1_000
    await expect(client.get('/a', { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'COORDINATION_CONNECTION_LOSS',
      outcome: 'not-executed',
    })
    expect(relay.connections).toBe(5)
  })

  it('ends in its own time, however often it asks', async () => {
    await engine.listener.close({ drainTimeoutMs: 0 })
    await expect(client.get('/a', { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'COORDINATION_REQUEST_TIMEOUT',
      outcome: 'not-executed',
    })
  })

  it('is not repeated once it was given up', async () => {
    cuts = 1
    const abort = new AbortController()
    const given = client.get('/a', { signal: abort.signal })
    client.onState((state) => state === 'suspended' && abort.abort(new Error('enough')))
    await expect(given).rejects.toThrow('enough')
    expect(await client.exists('/a')).toBeDefined()
  })
})

describe('a call that cannot be encoded', () => {
  it('leaves nothing behind on its signal', async () => {
    const { signal } = new AbortController()
    await expect(client.set('/a', new Uint8Array(2 ** 20), { signal })).rejects.toMatchObject({
      code: 'COORDINATION_PACKET_TOO_LARGE',
    })
    await expect(client.get('/a', { signal, timeoutMs: -1 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    await client.get('/a', { signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('the address of a coordination server', () => {
  it('has the port of its scheme if it names none', async () => {
    for (const [url, port] of [
      ['fenbu://127.0.0.2', 7430],
      ['zookeeper://127.0.0.2/app', 2181],
    ] as const) {
      const nowhere = connect(url, { callTimeoutMs: 50 })
      await expect(nowhere.get('/a')).rejects.toThrow(`127.0.0.2:${port}`)
      await nowhere.close()
    }
  })
})
