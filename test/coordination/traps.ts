import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_CODE, EVENT_TYPE, operations as op, RESERVED_XID } from '../../src/coordination/core/index.ts'
import { EMPTY, eventOf, RawClient, readBody } from './raw-client.ts'

/** A server of the protocol, known by its port alone. */
export interface PortEngine {
  readonly port: number
  stop(): Promise<void>
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * What breaks clients when a server gets it wrong, looked at byte by byte; the same on every engine. Numbers in
 * the comments are what ZooKeeper 3.8.0 was seen to send.
 */
export function describeTraps(engineName: string, startEngine: () => Promise<PortEngine>): void {
  describe(`the wire of ${engineName}`, () => {
    let engine: PortEngine
    let client: RawClient
    const open: RawClient[] = []
    let roots = 0

    const join = async (hello = {}): Promise<RawClient> => {
      const joined = (await RawClient.join(engine.port, hello)).client
      open.push(joined)
      return joined
    }
    const root = async (): Promise<string> => {
      const path = `/trap-${roots++}`
      expect(await client.create(path)).toMatchObject({ error: 0 })
      return path
    }

    beforeAll(async () => {
      engine = await startEngine()
      client = await join()
    }, 60_000)

    afterAll(async () => {
      for (const each of open) each.end()
      await engine?.stop()
    }, 30_000)

    it('answers the handshake with the readOnly byte only where it was sent', async () => {
      for (const [readOnly, bytes] of [
        [false, 37],
        [null, 36],
      ] as const) {
        const each = await RawClient.open(engine.port)
        open.push(each)
        each.hello({ readOnly })
        expect(await each.nextFrame()).toHaveLength(bytes)
      }
    })

    it('brings session time-outs between 2 and 20 ticks', async () => {
      for (const [asked, granted] of [
        [1, 4_000],
        [1_000_000, 40_000],
        [7_777, 7_777],
      ] as const) {
        const { client: each, answer } = await RawClient.join(engine.port, { timeoutMs: asked })
        open.push(each)
        expect(answer.timeoutMs).toBe(granted)
      }
    })

    it('refuses an unknown session with a time-out of zero, then closes', async () => {
      const each = await RawClient.open(engine.port)
      each.hello({ sessionId: 0x1234_5678_9abcn })
      const answer = await each.welcome()
      expect(answer).toMatchObject({ timeoutMs: 0, sessionId: 0n })
      expect([...answer.password!]).toEqual(new Array(16).fill(0))
      expect(await each.rest()).toHaveLength(0)
    })

    it('closes without an answer on a client that has seen more than the server', async () => {
      const each = await RawClient.open(engine.port)
      each.hello({ lastZxidSeen: 0x7000_0000_0000_0000n })
      expect(await each.rest()).toHaveLength(0)
    })

    it('sends an event before the reply to the very write that caused it', async () => {
      const path = await root()
      await client.request(2, op.getData, { path, watch: true })
      client.send(3, op.setData, { path, data: utf8('new'), version: -1 })
      const [event, reply] = [await client.next(), await client.next()]
      expect(event).toMatchObject({ xid: RESERVED_XID.NOTIFICATION, zxid: -1n, error: 0 })
      expect(eventOf(event)).toEqual({ type: EVENT_TYPE.DATA_CHANGED, state: 3, path })
      expect(reply).toMatchObject({ xid: 3, error: 0 })
    })

    it('answers a multi that fails with error 0 in the header, and one result for each operation', async () => {
      const path = await root()
      const parts = [
        { operation: op.create, request: { path: `${path}/a`, data: EMPTY, acl: OPEN, flags: 0 } },
        { operation: op.setData, request: { path, data: EMPTY, version: 9 } },
        { operation: op.deleteNode, request: { path: `${path}/a`, version: -1 } },
      ]
      const reply = await client.request(2, op.multi, parts)
      expect(reply.error).toBe(0)
      expect(Buffer.from(reply.body).toString('hex')).toBe(
        'ffffffff000000000000000000' +
          'ffffffff00ffffff99ffffff99' +
          'ffffffff00fffffffefffffffe' +
          'ffffffff01ffffffff',
      )
      const after = await client.request(3, op.exists, { path: `${path}/a`, watch: false })
      expect(after).toMatchObject({ error: ERROR_CODE.NO_NODE, zxid: reply.zxid })
    })

    it('sets the watch of an exists that finds nothing', async () => {
      const path = `${await root()}/later`
      expect(await client.request(2, op.exists, { path, watch: true })).toMatchObject({ error: -101 })
      client.send(3, op.create, { path, data: EMPTY, acl: OPEN, flags: 0 })
      expect(eventOf(await client.next())).toMatchObject({ type: EVENT_TYPE.CREATED, path })
      expect(await client.next()).toMatchObject({ xid: 3, error: 0 })
    })

    it('tells of a deletion once where both kinds of watch are set', async () => {
      const path = await root()
      await client.request(2, op.getData, { path, watch: true })
      await client.request(3, op.getChildren, { path, watch: true })
      client.send(4, op.deleteNode, { path, version: -1 })
      expect(eventOf(await client.next())).toMatchObject({ type: EVENT_TYPE.DELETED, path })
      expect(await client.next()).toMatchObject({ xid: 4, error: 0 })
    })

    it('shows twice the creations less the children as cversion, and numbers by the creations', async () => {
      const path = await root()
      await client.create(`${path}/a`)
      await client.create(`${path}/b`)
      await client.request(2, op.deleteNode, { path: `${path}/a`, version: -1 })
      const { stat } = readBody(await client.request(3, op.exists, { path, watch: false }), op.exists.reply)
      expect(stat).toMatchObject({ cversion: 3, numChildren: 1 })
      const named = readBody(await client.create(`${path}/`, EMPTY, 2), op.create.reply)
      expect(named.path).toBe(`${path}/0000000002`)
    })

    it('names the session as owner of an ephemeral node, and nobody of another', async () => {
      const path = await root()
      const { client: owner, answer } = await RawClient.join(engine.port)
      open.push(owner)
      await owner.create(`${path}/mine`, EMPTY, 1)
      const ownerOf = async (each: string): Promise<bigint> =>
        readBody(await owner.request(2, op.exists, { path: each, watch: false }), op.exists.reply).stat
          .ephemeralOwner
      expect(await ownerOf(`${path}/mine`)).toBe(answer.sessionId)
      expect(await ownerOf(path)).toBe(0n)
    })

    it('takes a zxid for every write, failed ones too, and none for a read', async () => {
      const path = await root()
      const { zxid } = await client.request(2, op.exists, { path, watch: false })
      expect(await client.create(path)).toMatchObject({ error: -110, zxid: zxid + 1n })
      expect(await client.request(3, op.setData, { path, data: EMPTY, version: 5 })).toMatchObject({
        error: -103,
        zxid: zxid + 2n,
      })
      expect(await client.request(4, op.getData, { path, watch: false })).toMatchObject({ zxid: zxid + 2n })
    })

    it('keeps watches with the connection, and tells what was missed before the reply to setWatches', async () => {
      const path = await root()
      const { client: before, answer } = await RawClient.join(engine.port)
      const { zxid } = await before.request(2, op.getData, { path, watch: true })
      const { sessionId } = answer
      const { client: after } = await RawClient.join(engine.port, { sessionId, password: answer.password! })
      open.push(after)
      await before.closed
      await client.request(5, op.setData, { path, data: utf8('missed'), version: -1 })
      const data = [path]
      after.send(RESERVED_XID.SET_WATCHES, op.setWatches, {
        relativeZxid: zxid,
        data,
        exist: [],
        children: data,
      })
      expect(eventOf(await after.next())).toMatchObject({ type: EVENT_TYPE.DATA_CHANGED, path })
      expect(await after.next()).toMatchObject({ xid: RESERVED_XID.SET_WATCHES, error: 0 })
      await client.create(`${path}/child`)
      expect(eventOf(await after.next())).toMatchObject({ type: EVENT_TYPE.CHILDREN_CHANGED, path })
    })

    it('answers a ping with the last zxid and an unknown operation with -6, then closes', async () => {
      const each = await join()
      const ping = await each.request(RESERVED_XID.PING, op.ping, undefined)
      expect(ping).toMatchObject({ xid: RESERVED_XID.PING, error: 0 })
      expect(ping.zxid).toBeGreaterThan(0n)
      each.sendBody(7, 4_242)
      expect(await each.next()).toMatchObject({ xid: 7, zxid: -1n, error: ERROR_CODE.UNIMPLEMENTED })
      await each.closed
    })

    it('answers an auth scheme that it does not have with -115, then closes', async () => {
      const each = await join()
      const fields = { type: 0, scheme: 'no-such-scheme', credentials: utf8('user:password') }
      expect(await each.request(RESERVED_XID.AUTH, op.auth, fields)).toMatchObject({
        xid: RESERVED_XID.AUTH,
        zxid: 0n,
        error: ERROR_CODE.AUTH_FAILED,
      })
      await each.closed
    })

    it('answers closeSession, then closes; ephemeral nodes went before the answer', async () => {
      const path = await root()
      const each = await join()
      await each.create(`${path}/ephemeral`, EMPTY, 1)
      await client.request(2, op.exists, { path: `${path}/ephemeral`, watch: true })
      each.sendBody(9, op.closeSession.code)
      expect(await each.next()).toMatchObject({ xid: 9, error: 0 })
      await each.closed
      expect(eventOf(await client.next())).toMatchObject({ type: EVENT_TYPE.DELETED })
    })

    it('keeps null data apart from empty data', async () => {
      const path = `${await root()}/null`
      await client.request(2, op.create, { path, data: null, acl: OPEN, flags: 0 })
      const read = await client.request(3, op.getData, { path, watch: false })
      expect(readBody(read, op.getData.reply).data).toBeNull()
    })

    it('answers many requests of one chunk in their order', async () => {
      const path = await root()
      for (let xid = 100; xid < 160; xid++) {
        if (xid % 2 === 0) client.send(xid, op.setData, { path, data: utf8(String(xid)), version: -1 })
        else client.send(xid, op.getData, { path, watch: false })
      }
      for (let xid = 100; xid < 160; xid++) {
        const reply = await client.next()
        expect(reply).toMatchObject({ xid, error: 0 })
        if (xid % 2 === 1)
          expect(Buffer.from(readBody(reply, op.getData.reply).data!).toString()).toBe(String(xid - 1))
      }
    })

    it('answers ruok and srvr instead of a handshake', async () => {
      expect(await word(engine.port, 'ruok')).toBe('imok')
      const srvr = await word(engine.port, 'srvr')
      expect(srvr).toMatch(/^Zookeeper version: 3\.8\.0/)
      for (const line of [
        /^Latency min\/avg\/max: \d+\/\d+\.\d+\/\d+$/m,
        /^Received: \d+$/m,
        /^Sent: \d+$/m,
        /^Connections: \d+$/m,
        /^Outstanding: \d+$/m,
        /^Zxid: 0x[0-9a-f]+$/m,
        /^Mode: standalone$/m,
        /^Node count: \d+\n$/m,
      ])
        expect(srvr).toMatch(line)
    })
  })
}

const OPEN = [{ permissions: 31, id: { scheme: 'world', id: 'anyone' } }]

async function word(port: number, text: string): Promise<string> {
  const client = await RawClient.open(port)
  client.write(utf8(text))
  return new TextDecoder().decode(await client.rest())
}
