import { afterEach, describe, expect, it } from 'vitest'
import { connect, type WatchEvent } from '../../src/coordination/client/index.ts'
import { ERROR_CODE, EVENT_TYPE, operations as op, RESERVED_XID } from '../../src/coordination/core/index.ts'
import { Listener, type Service } from '../../src/host/index.ts'
import { type EmbeddedEngine, type EmbeddedOptions, startEmbedded } from './embedded-engine.ts'
import { EMPTY, eventOf, RawClient } from './raw-client.ts'
import { startServerProcess } from './server-process.ts'

/** Sessions of 100 ms to 1 s, so that expiry takes no longer. */
const SHORT: EmbeddedOptions = { server: { tickMs: 50 } }

let engine: EmbeddedEngine | undefined
const clients: RawClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await engine?.stop()
  engine = undefined
})

async function start(options?: EmbeddedOptions): Promise<number> {
  engine = await startEmbedded(options)
  return engine.port
}

interface Joined {
  readonly client: RawClient
  readonly sessionId: bigint
  readonly password: Uint8Array
}

async function join(port: number, hello = {}): Promise<Joined> {
  const { client, answer } = await RawClient.join(port, hello)
  clients.push(client)
  return { client, sessionId: answer.sessionId, password: answer.password! }
}

/** Pings now and then, as clients do, until the returned function is called. */
function keepAlive(client: RawClient): () => void {
  const timer = setInterval(() => client.sendBody(RESERVED_XID.PING, op.ping.code), 20)
  return () => clearInterval(timer)
}

describe('a session', () => {
  it('goes on over another connection, and the former one is closed', async () => {
    const port = await start()
    const before = await join(port)
    await before.client.create('/mine', EMPTY, 1)
    const after = await join(port, { sessionId: before.sessionId, password: before.password })
    expect(after.sessionId).toBe(before.sessionId)
    await before.client.closed
    expect(await after.client.request(1, op.exists, { path: '/mine', watch: false })).toMatchObject({
      error: 0,
    })
    expect(await after.client.create('/mine/not')).toMatchObject({
      error: ERROR_CODE.NO_CHILDREN_FOR_EPHEMERALS,
    })
  })

  it('is not disturbed by someone who does not know its password', async () => {
    const port = await start()
    const owner = await join(port)
    for (const password of [new Uint8Array(16), owner.password.slice(0, 15), new Uint8Array(0)]) {
      const thief = await RawClient.open(port)
      thief.hello({ sessionId: owner.sessionId, password })
      expect(await thief.welcome()).toMatchObject({ timeoutMs: 0, sessionId: 0n })
      await thief.closed
    }
    expect(await owner.client.create('/still-mine')).toMatchObject({ error: 0 })
  })

  it('has an id and a password that cannot be guessed from another', async () => {
    const port = await start()
    const joined = await Promise.all(Array.from({ length: 20 }, () => join(port)))
    expect(new Set(joined.map(({ sessionId }) => sessionId)).size).toBe(20)
    expect(new Set(joined.map(({ sessionId }) => sessionId >> 32n)).size).toBe(20)
    expect(new Set(joined.map(({ password }) => Buffer.from(password).toString('hex'))).size).toBe(20)
  })

  it('ends when its client is silent for its time, and its ephemeral nodes with it', async () => {
    const port = await start(SHORT)
    const [watching, silent] = [await join(port, { timeoutMs: 1_000 }), await join(port, { timeoutMs: 100 })]
    const stop = keepAlive(watching.client)
    await silent.client.create('/mine', EMPTY, 1)
    const startedMs = performance.now()
    const exists = await nextReply(watching.client, () =>
      watching.client.send(2, op.exists, { path: '/mine', watch: true }),
    )
    expect(exists).toMatchObject({ xid: 2, error: 0 })
    const event = await nextReply(watching.client)
    stop()
    expect(eventOf(event)).toMatchObject({ type: EVENT_TYPE.DELETED, path: '/mine' })
    expect(performance.now() - startedMs).toBeGreaterThan(80)
    await silent.client.closed
    const late = await RawClient.open(port)
    clients.push(late)
    late.hello({ sessionId: silent.sessionId, password: silent.password })
    expect(await late.welcome()).toMatchObject({ timeoutMs: 0 })
  })

  it('lives while its client pings, with or without other requests', async () => {
    const port = await start(SHORT)
    const { client, sessionId, password } = await join(port, { timeoutMs: 100 })
    const stop = keepAlive(client)
    for (let pings = 0; pings < 20; pings++)
      expect(await client.next()).toMatchObject({ xid: RESERVED_XID.PING })
    stop()
    const again = await join(port, { sessionId, password, timeoutMs: 100 })
    expect(again.sessionId).toBe(sessionId)
  })

  it('outlives a server process that was too busy to hear its client', async () => {
    const port = await start(SHORT)
    const { client } = await join(port, { timeoutMs: 300 })
    await client.create('/mine', EMPTY, 1)
    const untilMs = performance.now() + 900
    while (performance.now() < untilMs);
    // The client is not heard at once: it could be on its way over another connection.
    await new Promise((twoTicksPassed) => setTimeout(twoTicksPassed, 100))
    expect(await client.request(2, op.exists, { path: '/mine', watch: false })).toMatchObject({ error: 0 })
  })

  it('goes on after a restart of the server, with its ephemeral nodes and its full time', async () => {
    const port = await start(SHORT)
    const before = await join(port, { timeoutMs: 400 })
    const created = await before.client.create('/mine', EMPTY, 1)
    await engine!.kill()
    await engine!.start()
    const after = await join(port, {
      sessionId: before.sessionId,
      password: before.password,
      timeoutMs: 400,
      lastZxidSeen: created.zxid,
    })
    expect(after.sessionId).toBe(before.sessionId)
    const next = await after.client.create('/later')
    expect(next).toMatchObject({ error: 0 })
    expect(next.zxid).toBeGreaterThan(created.zxid)
    expect(await after.client.request(3, op.exists, { path: '/mine', watch: true })).toMatchObject({
      error: 0,
    })
  })

  it('that nobody resumes after a restart ends when its full time has passed', async () => {
    const port = await start(SHORT)
    const before = await join(port, { timeoutMs: 200 })
    await before.client.create('/mine', EMPTY, 1)
    await engine!.kill()
    await engine!.start()
    const { client } = await join(port, { timeoutMs: 1_000 })
    const stop = keepAlive(client)
    const found = await nextReply(client, () => client.send(2, op.exists, { path: '/mine', watch: true }))
    expect(found).toMatchObject({ xid: 2, error: 0 })
    expect(eventOf(await nextReply(client))).toMatchObject({ type: EVENT_TYPE.DELETED, path: '/mine' })
    stop()
  })

  it('is kept by a data folder, not by a process: everything is there again', async () => {
    const port = await start()
    const { client } = await join(port)
    for (let i = 0; i < 200; i++)
      client.send(i, op.create, { path: `/n${i}`, data: EMPTY, acl: OPEN, flags: 0 })
    for (let i = 0; i < 200; i++) await client.next()
    for (let round = 0; round < 2; round++) {
      await engine!.kill()
      await engine!.start()
    }
    const again = await join(port)
    const reply = await again.client.request(1, op.getAllChildrenNumber, { path: '/' })
    // `/zookeeper` and its two nodes are there from the start.
    expect(new DataView(reply.body.buffer, reply.body.byteOffset).getInt32(0)).toBe(203)
  })
})

describe('the client', () => {
  it('loses no session while its own event loop is blocked for less than the time-out', async () => {
    await start()
    const client = connect(engine!.url, { sessionTimeoutMs: 4_000 })
    await client.ready()
    const states: string[] = []
    client.onState((state) => states.push(state))
    const untilMs = performance.now() + 3_000
    while (performance.now() < untilMs);
    await client.sync('/')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(states).toEqual([])
    expect(client.session?.count).toBe(1)
    await client.close()
  })

  it('reads what has arrived before it calls a call too late', async () => {
    const server = await startServerProcess()
    const client = connect(`fenbu://127.0.0.1:${server.port}`, { callTimeoutMs: 400 })
    try {
      await client.ready({ timeoutMs: 10_000 })
      const call = client.exists('/')
      await new Promise((resolve) => setImmediate(resolve))
      const untilMs = performance.now() + 800
      while (performance.now() < untilMs);
      expect(await call).toBeDefined()
    } finally {
      await client.close()
      await server.stop()
    }
  })

  it('says that its session is lost by its own clock, buries it, and begins another', async () => {
    await start(SHORT)
    const client = connect(engine!.url, { sessionTimeoutMs: 300 })
    await client.create('/mine', EMPTY, { mode: 'ephemeral' })
    const states: string[] = []
    const lost = new Promise<void>((resolve) => {
      client.onState((state) => {
        states.push(state)
        if (state === 'lost') resolve()
      })
    })
    const gone = new Promise<string>((resolve) => {
      void client.exists('/mine', { watch: ({ type }) => resolve(type) })
    })
    await client.sync('/')
    await engine!.kill()
    await lost
    expect(client.session).toBeUndefined()
    await engine!.start()
    await client.ready({ timeoutMs: 5_000 })
    expect(states).toEqual(['suspended', 'lost', 'connected'])
    expect(client.session?.count).toBe(2)
    expect(await gone).toBe('deleted')
    expect(await client.exists('/mine')).toBeUndefined()
    await client.close()
  })

  it('tells calls that waited for a lost session so, and takes those made after for the next', async () => {
    await start(SHORT)
    const client = connect(engine!.url, { sessionTimeoutMs: 200 })
    await client.ready()
    await engine!.kill()
    const waited = client.create('/a', EMPTY).catch((error: unknown) => error)
    expect(await waited).toMatchObject({ code: 'COORDINATION_SESSION_EXPIRED', outcome: 'not-executed' })
    const later = client.create('/b', EMPTY)
    await engine!.start()
    expect(await later).toMatchObject({ path: '/b' })
    await client.close()
  })

  it('begins again with a server that lost everything, and tells every watch that it may have missed something', async () => {
    await start(SHORT)
    const client = connect(engine!.url, { sessionTimeoutMs: 1_000 })
    const other = connect(engine!.url)
    for (let i = 0; i < 20; i++) await other.create(`/n${i}`, EMPTY)
    const told: string[] = []
    const watch = ({ type, path }: WatchEvent): void => void told.push(`${type} ${path}`)
    await client.get('/n0', { watch })
    await client.exists('/later', { watch })
    await client.children('/', { watch })
    await other.close()
    await engine!.kill()
    await engine!.wipe()
    await engine!.start()
    await new Promise<void>((resolve) => {
      client.onState((state) => state === 'connected' && resolve())
    })
    await client.sync('/')
    expect(client.session?.count).toBe(2)
    expect(told.toSorted()).toEqual(['children-changed /', 'created /later', 'deleted /n0'])
    await client.close()
  })

  it('goes to the next host when one is down', async () => {
    const port = await start()
    const client = connect(`zookeeper://127.0.0.1:1,127.0.0.1:${port},127.0.0.1:2`)
    await client.ready()
    expect(await client.serverVersion()).toMatch(/^fenbu \d\S* \(ZooKeeper 3\.8\.0\)$/)
    await client.close()
  })

  it('says which servers it could not reach', async () => {
    const client = connect('zookeeper://127.0.0.1:1/app', { callTimeoutMs: 100 })
    const error = await client.get('/a').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'COORDINATION_REQUEST_TIMEOUT', outcome: 'not-executed' })
    expect(String(error)).toContain('127.0.0.1:1')
    expect((error as Error).cause).toMatchObject({ code: 'HOST_CONNECT_FAILED' })
    await client.close()
  })

  it('refuses URLs and options that mean nothing', () => {
    for (const url of ['', 'redis://h', 'zookeeper://', 'zookeeper://h:1/a//b', 'fenbu://h:99999'])
      expect(() => connect(url), url).toThrow(/allowed|port/)
    expect(() => connect('fenbu://h:1', { sessionTimeoutMs: 0 })).toThrow('sessionTimeoutMs')
    expect(() => connect('fenbu://h:1', { sessionTimeout: 1 } as object)).toThrow(
      'no option "sessionTimeout"',
    )
  })
})

describe('a port', () => {
  it('is shared with other protocols', async () => {
    await start()
    const other: Service = {
      protocol: { name: 'other', frameLength: (_bytes, begin, end) => end - begin },
      recognises: (bytes) => (bytes.length === 0 ? undefined : bytes[0] === 0xfe),
      accept: (connection) => ({
        frame: () => {
          connection.writer.utf8('other')
          connection.end()
        },
        closed: () => {},
      }),
    }
    const listener = await Listener.open({ port: 0, services: [other, engine!.server.service()] })
    try {
      const { client } = await join(listener.address.port)
      expect(await client.create('/shared')).toMatchObject({ error: 0 })
      expect(await textAnswer(listener.address.port, new TextEncoder().encode('ruok'))).toBe('imok')
      expect(await textAnswer(listener.address.port, new Uint8Array([0xfe]))).toBe('other')
      client.end()
    } finally {
      await listener.close({ drainTimeoutMs: 100 })
    }
  })
})

const OPEN = [{ permissions: 31, id: { scheme: 'world', id: 'anyone' } }]

async function textAnswer(port: number, bytes: Uint8Array): Promise<string> {
  const client = await RawClient.open(port)
  client.write(bytes)
  return new TextDecoder().decode(await client.rest())
}

/** The next packet that is no answer to a ping. */
async function nextReply(client: RawClient, send: () => void = () => {}) {
  send()
  for (;;) {
    const packet = await client.next()
    if (packet.xid !== RESERVED_XID.PING) return packet
  }
}
