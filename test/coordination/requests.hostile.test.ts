import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ERROR_CODE, OPEN_ACL, operations as op } from '../../src/coordination/core/index.ts'
import { type EmbeddedEngine, type EmbeddedOptions, startEmbedded } from './embedded-engine.ts'
import { GatedDisk } from './gated-disk.ts'
import { EMPTY, eventOf, RawClient, readBody } from './raw-client.ts'

const MIB = 1024 * 1024

let engine: EmbeddedEngine
const clients: RawClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await engine.stop()
})

async function start(options?: EmbeddedOptions): Promise<number> {
  engine = await startEmbedded(options)
  return engine.port
}

async function join(port: number): Promise<RawClient> {
  const { client } = await RawClient.join(port, { timeoutMs: 40_000 })
  clients.push(client)
  return client
}

/** Bytes that the server holds for peers that do not read. */
function unsentBytes(): number {
  return [...engine.listener.connections].reduce((sum, connection) => sum + connection.unsentBytes, 0)
}

/** Lets the server work until what it has received no longer grows. */
async function quiet(): Promise<void> {
  let before = -1
  for (let received = 0; received !== before; received = engine.server.status().statistics.received) {
    before = received
    for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done))
  }
}

describe('a hostile client', () => {
  it('that asks for much and reads nothing is not read either, and costs no more than its bound', async () => {
    const port = await start()
    const [honest, greedy] = [await join(port), await join(port)]
    await honest.create('/large', new Uint8Array(MIB / 2))
    greedy.socket.pause()
    for (let xid = 1; xid <= 200; xid++) greedy.send(xid, op.getData, { path: '/large', watch: false })
    await quiet()
    expect(unsentBytes()).toBeLessThan(4 * MIB)
    expect(await honest.create('/others-go-on')).toMatchObject({ error: 0 })
    greedy.socket.resume()
    for (let xid = 1; xid <= 200; xid++) expect(await greedy.next()).toMatchObject({ xid, error: 0 })
  }, 60_000)

  it('that lets large reads wait behind a write costs no more than its bound either', async () => {
    const disk = new GatedDisk()
    const port = await start({ wrapFiles: disk.wrap })
    const [honest, greedy] = [await join(port), await join(port)]
    await honest.create('/large', new Uint8Array(MIB / 2))
    disk.hold()
    greedy.socket.pause()
    greedy.send(1, op.create, { path: '/slow', data: EMPTY, acl: OPEN_ACL, flags: 0 })
    for (let xid = 2; xid <= 100; xid++) greedy.send(xid, op.getData, { path: '/large', watch: false })
    await quiet()
    disk.release()
    expect(await honest.create('/others-go-on')).toMatchObject({ error: 0 })
    expect(unsentBytes()).toBeLessThan(4 * MIB)
    greedy.socket.resume()
    for (let xid = 1; xid <= 100; xid++) expect(await greedy.next()).toMatchObject({ xid, error: 0 })
  }, 60_000)

  it('that watches everything is closed at its bound, and its watches are forgotten', async () => {
    const port = await start({ server: { maxWatchBytes: MIB } })
    const [honest, greedy] = [await join(port), await join(port)]
    for (let xid = 1; xid <= 1_000; xid++)
      greedy.send(xid, op.exists, { path: `/${'x'.repeat(1_000)}${xid}`, watch: true })
    await greedy.closed
    await honest.request(1, op.exists, { path: '/a', watch: true })
    honest.send(2, op.create, { path: '/a', data: EMPTY, acl: OPEN_ACL, flags: 0 })
    expect(eventOf(await honest.next())).toMatchObject({ path: '/a' })
    expect(await honest.next()).toMatchObject({ xid: 2, error: 0 })
  })

  it('that does not read its events is closed at the bound; other watchers are told', async () => {
    const port = await start({
      server: { maxWatchBytes: 64 * MIB },
      connection: { maxUnsentBytes: 256 * 1024, pauseReadingBytes: 64 * 1024 },
    })
    const [writer, watcher, deaf] = [await join(port), await join(port), await join(port)]
    const paths = Array.from({ length: 800 }, (_, i) => `/${i}-${'x'.repeat(20_000)}`)
    for (const path of paths) writer.send(1, op.create, { path, data: EMPTY, acl: OPEN_ACL, flags: 0 })
    for (let i = 0; i < paths.length; i++) await writer.next()
    for (const client of [watcher, deaf]) {
      for (const path of paths) client.send(1, op.exists, { path, watch: true })
      for (let i = 0; i < paths.length; i++) await client.next()
    }
    deaf.socket.pause()
    for (const path of paths) {
      expect(await writer.request(2, op.setData, { path, data: EMPTY, version: -1 })).toMatchObject({
        error: 0,
      })
      expect(eventOf(await watcher.next())).toMatchObject({ path })
    }
    expect(engine.listener.connections.size).toBe(2)
    expect(engine.listener.statistics.ended.get('HOST_SLOW_READER')).toBe(1)
  }, 60_000)

  it('that sends lengths and counts which are not true is answered as malformed, or closed', async () => {
    const port = await start()
    const client = await join(port)
    const lies: readonly ((xid: number) => void)[] = [
      (xid) => client.sendBody(xid, op.getData.code, (writer) => writer.int32(0x7fff_ffff)),
      (xid) => client.sendBody(xid, op.getData.code, (writer) => writer.int32(-2)),
      (xid) => client.sendBody(xid, op.exists.code),
      (xid) =>
        client.sendBody(xid, op.multi.code, (writer) => {
          writer.int32(99)
          writer.boolean(false)
          writer.int32(-1)
        }),
      (xid) =>
        client.sendBody(xid, op.setWatches.code, (writer) => {
          writer.int64(0n)
          writer.int32(0x7fff_ffff)
        }),
      (xid) =>
        client.sendBody(xid, op.create.code, (writer) => {
          writer.int32(2)
          writer.bytes(Uint8Array.of(0xff, 0xfe))
        }),
    ]
    for (const [index, lie] of lies.entries()) {
      lie(index)
      expect(await client.next(), `lie ${index}`).toMatchObject({ xid: index, error: ERROR_CODE.MARSHALLING })
    }
    client.frame((writer) => writer.int32(1))
    await client.closed
  })

  it('gets nothing for names that mean something elsewhere', async () => {
    const client = await join(await start())
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      const path = `/${name}`
      expect(await client.request(1, op.getData, { path, watch: false })).toMatchObject({ error: -101 })
      expect(await client.create(path, new TextEncoder().encode(name))).toMatchObject({ error: 0 })
      const read = await client.request(2, op.getData, { path, watch: false })
      expect(new TextDecoder().decode(readBody(read, op.getData.reply).data!)).toBe(name)
    }
  })

  it('is closed when it says a four-letter word or another handshake in the middle', async () => {
    const port = await start()
    const word = await join(port)
    word.write(new TextEncoder().encode('ruok'))
    expect(await word.rest()).toHaveLength(0)
    const again = await join(port)
    again.hello()
    // The second handshake reads as a request: protocol version 0, an operation that does not exist.
    expect(await again.next()).toMatchObject({ error: ERROR_CODE.UNIMPLEMENTED })
    await again.closed
  })

  it('may send its requests with the handshake; they wait for the answer to it', async () => {
    const port = await start()
    const client = await RawClient.open(port)
    clients.push(client)
    client.hello()
    client.send(1, op.create, { path: '/eager', data: EMPTY, acl: OPEN_ACL, flags: 1 })
    client.send(2, op.exists, { path: '/eager', watch: false })
    const { sessionId } = await client.welcome()
    expect(await client.next()).toMatchObject({ xid: 1, error: 0 })
    const found = await client.next()
    expect(readBody(found, op.exists.reply).stat.ephemeralOwner).toBe(sessionId)
  })

  it('that resumes sessions of others by guessing is turned away each time', async () => {
    const port = await start()
    const honest = await join(port)
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const thief = await RawClient.open(port)
        thief.hello({ sessionId: BigInt(i + 1) << 20n, password: new Uint8Array(16).fill(i) })
        expect(await thief.welcome()).toMatchObject({ timeoutMs: 0 })
        await thief.closed
      }),
    )
    expect(await honest.create('/still-here')).toMatchObject({ error: 0 })
  })

  it('that sends packets of chance disturbs nobody', async () => {
    const port = await start()
    const honest = await join(port)
    const codes = fc.oneof(
      fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 22, 101, 103, 104),
      fc.integer(),
    )
    const packet = fc.tuple(fc.integer(), codes, fc.uint8Array({ maxLength: 64 }))
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 20 }), async (packets) => {
        const client = await join(port)
        for (const [xid, code, body] of packets) client.sendBody(xid, code, (writer) => writer.bytes(body))
        client.socket.end()
        await client.closed
        expect(await honest.request(1, op.exists, { path: '/', watch: false })).toMatchObject({ error: 0 })
      }),
      { numRuns: 100 },
    )
  }, 60_000)
})
