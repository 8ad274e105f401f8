import { afterEach, describe, expect, it } from 'vitest'
import { ERROR_CODE, OPEN_ACL, operations as op, RESERVED_XID } from '../../src/coordination/core/index.ts'
import { type EmbeddedEngine, type EmbeddedOptions, startEmbedded } from './embedded-engine.ts'
import { GatedDisk } from './gated-disk.ts'
import { EMPTY, eventOf, RawClient, readBody } from './raw-client.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

let engine: EmbeddedEngine | undefined
const clients: RawClient[] = []
let disk: GatedDisk

afterEach(async () => {
  disk.release()
  for (const client of clients.splice(0)) client.end()
  await engine?.stop()
  engine = undefined
})

async function start(options: EmbeddedOptions = {}): Promise<number> {
  disk = new GatedDisk()
  engine = await startEmbedded({ ...options, wrapFiles: disk.wrap })
  return engine.port
}

async function join(port: number): Promise<RawClient> {
  const { client } = await RawClient.join(port, { timeoutMs: 40_000 })
  clients.push(client)
  return client
}

/** Resolves once the server has received that many packets in all. */
async function received(packets: number): Promise<void> {
  while (engine!.server.status().statistics.received < packets)
    await new Promise((turn) => setImmediate(turn))
}

describe('requests to the server', () => {
  it('wait for the disk if they write, and everything behind them on their connection waits too', async () => {
    const port = await start()
    const [writer, reader] = [await join(port), await join(port)]
    await writer.create('/a', utf8('old'))
    disk.hold()
    writer.send(2, op.setData, { path: '/a', data: utf8('new'), version: -1 })
    writer.send(3, op.getData, { path: '/a', watch: false })
    writer.send(RESERVED_XID.PING, op.ping, undefined)
    writer.send(5, op.sync, { path: '/a' })
    const seen = await reader.request(9, op.getData, { path: '/a', watch: false })
    expect(Buffer.from(readBody(seen, op.getData.reply).data!).toString()).toBe('old')
    disk.release()
    expect(await writer.next()).toMatchObject({ xid: 2, error: 0 })
    const own = await writer.next()
    expect(own).toMatchObject({ xid: 3, error: 0 })
    expect(Buffer.from(readBody(own, op.getData.reply).data!).toString()).toBe('new')
    expect(await writer.next()).toMatchObject({ xid: RESERVED_XID.PING, zxid: own.zxid })
    expect(await writer.next()).toMatchObject({ xid: 5, error: 0, zxid: own.zxid })
  })

  it('of many connections share the writes to the disk', async () => {
    const port = await start()
    const writers = await Promise.all(Array.from({ length: 8 }, () => join(port)))
    const before = disk.durableWrites
    disk.hold()
    const sentBefore = engine!.server.status().statistics.received
    for (const [index, writer] of writers.entries())
      for (let i = 0; i < 50; i++)
        writer.send(i, op.create, { path: `/n-${index}-${i}`, data: EMPTY, acl: OPEN_ACL, flags: 0 })
    await received(sentBefore + 400)
    disk.release()
    for (const writer of writers)
      for (let i = 0; i < 50; i++) expect(await writer.next()).toMatchObject({ xid: i, error: 0 })
    expect(disk.durableWrites - before).toBeLessThan(20)
  })

  it('are read no faster than they can be answered', async () => {
    const port = await start({ server: { maxConnectionOutstanding: 100 } })
    const [writer, other] = [await join(port), await join(port)]
    await writer.create('/a')
    disk.hold()
    const before = engine!.server.status().statistics.received
    for (let xid = 1; xid <= 2_000; xid++)
      writer.send(xid, op.setData, { path: '/a', data: EMPTY, version: -1 })
    await received(before + 100)
    await other.request(1, op.exists, { path: '/a', watch: false })
    expect(engine!.server.status().outstanding).toBe(100)
    disk.release()
    for (let xid = 1; xid <= 2_000; xid++) expect(await writer.next()).toMatchObject({ xid, error: 0 })
    expect(engine!.server.status().outstanding).toBe(0)
  })

  it('of all connections together are bounded as well', async () => {
    const port = await start({ server: { maxOutstanding: 50 } })
    const writers = await Promise.all(Array.from({ length: 5 }, () => join(port)))
    await writers[0]!.create('/a')
    disk.hold()
    for (const writer of writers)
      for (let xid = 1; xid <= 100; xid++)
        writer.send(xid, op.setData, { path: '/a', data: EMPTY, version: -1 })
    while (engine!.server.status().outstanding < 50) await new Promise((turn) => setImmediate(turn))
    await new Promise((turn) => setImmediate(turn))
    expect(engine!.server.status().outstanding).toBeLessThanOrEqual(50 + writers.length)
    disk.release()
    for (const writer of writers)
      for (let xid = 1; xid <= 100; xid++) expect(await writer.next()).toMatchObject({ xid, error: 0 })
    expect(engine!.server.status().outstanding).toBe(0)
  })

  it('are not answered when the disk fails; their connections end, and the server says that it must', async () => {
    let failed: (error: Error) => void = () => {}
    const failure = new Promise<Error>((resolve) => {
      failed = resolve
    })
    const port = await start({ onFailure: (error) => failed(error) })
    const writer = await join(port)
    disk.failure = new Error('input/output error')
    writer.send(1, op.create, { path: '/a', data: EMPTY, acl: OPEN_ACL, flags: 0 })
    expect(await writer.rest()).toHaveLength(0)
    expect(await failure).toMatchObject({ code: 'CLUSTER_FAILED' })
  })

  it('that are under way when the server stops are answered first', async () => {
    const port = await start()
    const writer = await join(port)
    disk.hold()
    const before = engine!.server.status().statistics.received
    for (let xid = 1; xid <= 10; xid++)
      writer.send(xid, op.create, { path: `/n${xid}`, data: EMPTY, acl: OPEN_ACL, flags: 0 })
    await received(before + 10)
    const closing = engine!.listener.close()
    disk.release()
    for (let xid = 1; xid <= 10; xid++) expect(await writer.next()).toMatchObject({ xid, error: 0 })
    await writer.closed
    await closing
  })

  it('with a malformed body are answered as such, and the connection goes on', async () => {
    const client = await join(await start())
    client.sendBody(1, op.getData.code, (writer) => writer.int32(1_000))
    expect(await client.next()).toMatchObject({ xid: 1, error: ERROR_CODE.MARSHALLING })
    client.sendBody(2, op.create.code, (writer) => writer.int32(-5))
    expect(await client.next()).toMatchObject({ xid: 2, error: ERROR_CODE.MARSHALLING })
    expect(await client.create('/still-here')).toMatchObject({ error: 0 })
  })

  it('may watch as often as they like; the event comes once', async () => {
    const client = await join(await start())
    await client.create('/a')
    for (let xid = 2; xid < 10; xid++) await client.request(xid, op.getData, { path: '/a', watch: true })
    client.send(10, op.setData, { path: '/a', data: EMPTY, version: -1 })
    expect(eventOf(await client.next())).toMatchObject({ path: '/a' })
    expect(await client.next()).toMatchObject({ xid: 10 })
    client.send(11, op.setData, { path: '/a', data: EMPTY, version: -1 })
    expect(await client.next()).toMatchObject({ xid: 11 })
  })
})
