import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import {
  type CoordinationClient,
  type CoordinationClientOptions,
  connect,
  type MultiError,
  operations,
  type WatchEvent,
} from '../../src/coordination/client/index.ts'

/** A server of one engine, for the behaviour that all engines share. */
export interface Engine {
  readonly url: string
  /** Cuts every connection by ending the process or listener; the data stays. */
  kill(): Promise<void>
  /** Starts it again on the same data and address. */
  start(): Promise<void>
  stop(): Promise<void>
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const EMPTY = new Uint8Array(0)

/** The error a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<Error & { code: string; outcome: string }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isFenbuError(error)) throw new Error(`expected a FenbuError, got ${String(error)}`)
  return error
}

/** A watch listener and the event that it will be called with. */
function watcher(): {
  readonly event: Promise<WatchEvent>
  watch(event: WatchEvent): void
  readonly count: number
} {
  let count = 0
  let resolve: (event: WatchEvent) => void = () => {}
  const event = new Promise<WatchEvent>((done) => {
    resolve = done
  })
  return {
    event,
    watch(seen) {
      count++
      resolve(seen)
    },
    get count() {
      return count
    },
  }
}

/** What any server of the ZooKeeper protocol does for our client. */
export function describeBehaviour(engineName: string, startEngine: () => Promise<Engine>): void {
  describe(`coordination on ${engineName}`, () => {
    let engine: Engine
    let client: CoordinationClient
    const opened: CoordinationClient[] = []
    let nextRoot = 0

    const open = (options?: CoordinationClientOptions, chroot = ''): CoordinationClient => {
      const made = connect(engine.url + chroot, options)
      opened.push(made)
      return made
    }
    /** A node of its own for each test. */
    const root = async (): Promise<string> => {
      const path = `/behaviour-${nextRoot++}`
      await client.create(path, EMPTY)
      return path
    }

    beforeAll(async () => {
      engine = await startEngine()
      client = open()
      await client.ready({ timeoutMs: 20_000 })
    }, 60_000)

    afterAll(async () => {
      await Promise.all(opened.map((each) => each.close()))
      await engine?.stop()
    }, 30_000)

    it('opens a session without being asked to and says so', async () => {
      const fresh = open()
      expect(fresh.state).toBe('connecting')
      expect(fresh.session).toBeUndefined()
      await fresh.ready()
      expect(fresh.state).toBe('connected')
      expect(fresh.session).toMatchObject({ timeoutMs: 10_000, count: 1 })
      await fresh.close()
      expect(fresh.state).toBe('closed')
    })

    it('keeps what is created, with its figures', async () => {
      const path = `${await root()}/node`
      const created = await client.create(path, utf8('HHKB键盘'))
      expect(created.path).toBe(path)
      const { data, stat } = await client.get(path)
      expect(text(data)).toBe('HHKB键盘')
      expect(stat).toEqual(created.stat)
      expect(stat).toMatchObject({
        version: 0,
        cversion: 0,
        ephemeralOwner: 0n,
        dataLength: 10,
        childCount: 0,
      })
      expect(stat.mzxid).toBe(stat.czxid)
      expect(Math.abs(stat.ctimeMs - Date.now())).toBeLessThan(60_000)
    })

    it('takes empty data and paths in any language', async () => {
      const path = `${await root()}/键盘-é`
      await client.create(path, EMPTY)
      expect((await client.get(path)).data).toEqual(EMPTY)
    })

    it('refuses to create a node twice, or under a parent that is not there', async () => {
      const path = await root()
      expect(await failure(client.create(path, EMPTY))).toMatchObject({
        code: 'COORDINATION_NODE_EXISTS',
        outcome: 'not-executed',
      })
      expect(await failure(client.create(`${path}/a/b`, EMPTY))).toMatchObject({
        code: 'COORDINATION_NO_NODE',
      })
    })

    it('refuses paths that are none', async () => {
      const path = await root()
      for (const wrong of [`${path}//a`, `${path}/./a`, `${path}/../a`, `${path}/a\u0001`])
        expect(await failure(client.create(wrong, EMPTY)), wrong).toMatchObject({
          code: expect.stringMatching(/COORDINATION_(BAD_ARGUMENTS|NO_NODE)/),
        })
      expect(await failure(client.create('relative', EMPTY))).toMatchObject({ code: 'OPTION_INVALID' })
    })

    it('numbers sequential nodes by their parent', async () => {
      const path = await root()
      const names: string[] = []
      for (let i = 0; i < 3; i++)
        names.push((await client.create(`${path}/n-`, EMPTY, { mode: 'persistent-sequential' })).path)
      expect(names).toEqual([`${path}/n-0000000000`, `${path}/n-0000000001`, `${path}/n-0000000002`])
      await client.delete(names[2]!)
      expect((await client.create(`${path}/m-`, EMPTY, { mode: 'ephemeral-sequential' })).path).toBe(
        `${path}/m-0000000003`,
      )
    })

    it('changes data only at the version that is named', async () => {
      const path = await root()
      expect(await client.set(path, utf8('one'))).toMatchObject({ version: 1 })
      expect(await client.set(path, utf8('two'), { version: 1 })).toMatchObject({ version: 2 })
      expect(await failure(client.set(path, utf8('three'), { version: 1 }))).toMatchObject({
        code: 'COORDINATION_BAD_VERSION',
      })
      expect(text((await client.get(path)).data)).toBe('two')
      expect(await failure(client.set(`${path}/none`, EMPTY))).toMatchObject({ code: 'COORDINATION_NO_NODE' })
    })

    it('deletes only leaves, and only at the version that is named', async () => {
      const path = await root()
      await client.create(`${path}/leaf`, EMPTY)
      expect(await failure(client.delete(path))).toMatchObject({ code: 'COORDINATION_NOT_EMPTY' })
      expect(await failure(client.delete(`${path}/leaf`, { version: 7 }))).toMatchObject({
        code: 'COORDINATION_BAD_VERSION',
      })
      await client.delete(`${path}/leaf`, { version: 0 })
      await client.delete(path)
      expect(await client.exists(path)).toBeUndefined()
      expect(await failure(client.delete(path))).toMatchObject({ code: 'COORDINATION_NO_NODE' })
    })

    it('lists children and counts their creations', async () => {
      const path = await root()
      for (const name of ['a', 'b', 'c']) await client.create(`${path}/${name}`, EMPTY)
      await client.delete(`${path}/b`)
      const { children, stat } = await client.children(path)
      expect([...children].sort()).toEqual(['a', 'c'])
      expect(stat).toMatchObject({ childCount: 2, cversion: 4 })
      expect(stat.pzxid > stat.mzxid).toBe(true)
    })

    it('ends an ephemeral node with its session', async () => {
      const path = `${await root()}/ephemeral`
      const owner = open()
      const { stat } = await owner.create(path, EMPTY, { mode: 'ephemeral' })
      expect(stat.ephemeralOwner).toBe(owner.session!.id)
      const gone = watcher()
      expect(await client.exists(path, { watch: gone.watch })).toBeDefined()
      await owner.close()
      expect(await gone.event).toEqual({ type: 'deleted', path })
    })

    it('lets no child grow under an ephemeral node', async () => {
      const path = `${await root()}/ephemeral`
      await client.create(path, EMPTY, { mode: 'ephemeral' })
      expect(await failure(client.create(`${path}/child`, EMPTY))).toMatchObject({
        code: 'COORDINATION_NO_CHILDREN_FOR_EPHEMERALS',
      })
    })

    it('does all of a multi or nothing', async () => {
      const path = await root()
      const results = await client.multi([
        { type: 'create', path: `${path}/a`, data: utf8('1') },
        { type: 'create', path: `${path}/a/b-`, data: EMPTY, mode: 'persistent-sequential' },
        { type: 'set', path: `${path}/a`, data: utf8('2'), version: 0 },
        { type: 'check', path: `${path}/a`, version: 1 },
        { type: 'delete', path: `${path}/a/b-0000000000` },
      ])
      expect(results.map((result) => result.type)).toEqual(['create', 'create', 'set', 'check', 'delete'])
      expect(results[1]).toMatchObject({ path: `${path}/a/b-0000000000` })
      expect(results[2]).toMatchObject({ stat: { version: 1 } })

      const error = (await failure(
        client.multi([
          { type: 'set', path: `${path}/a`, data: utf8('3') },
          { type: 'delete', path: `${path}/missing` },
          { type: 'create', path: `${path}/c`, data: EMPTY },
        ]),
      )) as MultiError
      expect(error).toMatchObject({ code: 'COORDINATION_NO_NODE', index: 1, outcome: 'not-executed' })
      expect(text((await client.get(`${path}/a`)).data)).toBe('2')
      expect(await client.exists(`${path}/c`)).toBeUndefined()
      expect(await client.multi([])).toEqual([])
    })

    it('answers pipelined calls in order, reads behind the writes before them', async () => {
      const path = await root()
      const seen: string[] = []
      const calls: Promise<unknown>[] = []
      for (let i = 1; i <= 100; i++) {
        calls.push(client.set(path, utf8(String(i))).then(() => seen.push(`set ${i}`)))
        calls.push(client.get(path).then(({ data }) => seen.push(`get ${text(data)}`)))
      }
      await Promise.all(calls)
      const expected: string[] = []
      for (let i = 1; i <= 100; i++) expected.push(`set ${i}`, `get ${i}`)
      expect(seen).toEqual(expected)
    })

    it('fires a watch once, for data, creation, deletion and children', async () => {
      const path = await root()
      const child = `${path}/child`
      const [created, changed, listed, deleted] = [watcher(), watcher(), watcher(), watcher()]
      expect(await client.exists(child, { watch: created.watch })).toBeUndefined()
      await client.children(path, { watch: listed.watch })
      const other = open()
      await other.create(child, EMPTY)
      expect(await created.event).toEqual({ type: 'created', path: child })
      expect(await listed.event).toEqual({ type: 'children-changed', path })
      await client.get(child, { watch: changed.watch })
      await other.set(child, utf8('1'))
      await other.set(child, utf8('2'))
      expect(await changed.event).toEqual({ type: 'data-changed', path: child })
      await client.exists(child, { watch: deleted.watch })
      await other.delete(child)
      expect(await deleted.event).toEqual({ type: 'deleted', path: child })
      await client.sync(path)
      expect([created.count, listed.count, changed.count, deleted.count]).toEqual([1, 1, 1, 1])
    })

    it('tells of a change before any reply that shows it, also of its own', async () => {
      const path = await root()
      const order: string[] = []
      await client.get(path, { watch: () => order.push('event') })
      await client.set(path, utf8('new')).then(() => order.push('reply'))
      expect(order).toEqual(['event', 'reply'])
    })

    it('sets no watch where get or children fail', async () => {
      const path = `${await root()}/absent`
      const seen = watcher()
      await failure(client.get(path, { watch: seen.watch }))
      await failure(client.children(path, { watch: seen.watch }))
      await client.create(path, EMPTY)
      await client.create(`${path}/child`, EMPTY)
      await client.sync(path)
      expect(seen.count).toBe(0)
    })

    it('shows a client only what is under its chroot, and creates the chroot', async () => {
      const chroot = `${await root()}/deep/down`
      const inner = open({}, chroot)
      await inner.create('/a', utf8('x'))
      expect(text((await client.get(`${chroot}/a`)).data)).toBe('x')
      const seen = watcher()
      await inner.children('/', { watch: seen.watch })
      const { path } = await inner.create('/s-', EMPTY, { mode: 'persistent-sequential' })
      expect(path).toBe('/s-0000000001')
      expect(await seen.event).toEqual({ type: 'children-changed', path: '/' })
      expect(await inner.multi([{ type: 'create', path: '/m', data: EMPTY }])).toMatchObject([{ path: '/m' }])
    })

    it('refuses a request larger than a packet before it is sent', async () => {
      const path = await root()
      expect(await failure(client.set(path, new Uint8Array(1_100_000)))).toMatchObject({
        code: 'COORDINATION_PACKET_TOO_LARGE',
        outcome: 'not-executed',
      })
      const large = new Uint8Array(1_000_000).fill(7)
      await client.set(path, large)
      expect(Buffer.compare((await client.get(path)).data, large)).toBe(0)
    })

    it('lets a caller give up, and keeps the order of the others', async () => {
      const path = await root()
      const abort = new AbortController()
      const given = client.set(path, utf8('given up'), { signal: abort.signal })
      const kept = client.get(path)
      abort.abort(new Error('enough'))
      await expect(given).rejects.toThrow('enough')
      expect((await kept).stat.version).toBe(1)
    })

    it('refuses calls above the bound at once', async () => {
      const small = open({ maxCalls: 2 })
      await small.ready()
      const calls = [small.sync('/'), small.sync('/')]
      expect(await failure(small.sync('/'))).toMatchObject({
        code: 'COORDINATION_TOO_MANY_IN_FLIGHT',
        outcome: 'not-executed',
      })
      await Promise.all(calls)
      await small.sync('/')
    })

    it('answers everything that was called before close, and nothing after', async () => {
      const path = await root()
      const closing = open()
      await closing.ready()
      const calls = Array.from({ length: 50 }, (_, i) => closing.create(`${path}/${i}`, EMPTY))
      const closed = closing.close()
      await closed
      await Promise.all(calls)
      expect((await client.children(path)).children).toHaveLength(50)
      expect(await failure(closing.get(path))).toMatchObject({ code: 'COORDINATION_CLOSED' })
      await closing.close()
    })

    it('reads the version of the server', async () => {
      expect(await client.serverVersion()).toMatch(/^(fenbu \d\S* \(ZooKeeper 3\.8\.0\)|ZooKeeper 3\.8\.0)$/)
    })

    it('takes the largest request beside those of others', async () => {
      const path = await root()
      const [large, other] = [open(), open()]
      await Promise.all([large.ready(), other.ready()])
      const lost: string[] = []
      for (const each of [large, other]) each.onState((state) => lost.push(state))
      for (const bytes of [1_047_600, 1_048_400]) {
        const calls = [large.set(path, new Uint8Array(bytes)), large.set(path, new Uint8Array(600_000))]
        for (let i = 0; i < 20; i++) calls.push(other.set(path, EMPTY))
        await Promise.all(calls)
      }
      expect(lost).toEqual([])
    })

    it('makes any operation of the table', async () => {
      const path = await root()
      const own = open()
      await own.create(`${path}/mine`, utf8('data'), { mode: 'ephemeral' })
      expect(await own.call(operations.getEphemerals, { prefix: path })).toEqual({ paths: [`${path}/mine`] })
      const parts = [
        { operation: operations.getData, request: { path: `${path}/mine`, watch: false } },
        { operation: operations.getChildren, request: { path: `${path}/none`, watch: false } },
      ]
      const [found, absent] = await own.call(operations.multiRead, parts)
      expect(text((found!.reply as { data: Uint8Array }).data)).toBe('data')
      expect(absent).toMatchObject({ operation: undefined, error: -101 })
      expect(await failure(own.call(operations.getAcl, { path: `${path}/none` }))).toMatchObject({
        code: 'COORDINATION_NO_NODE',
      })
      expect(await failure(own.call(operations.ping as never, undefined))).toMatchObject({
        code: 'OPTION_INVALID',
      })
    })

    it('goes on with its session after the server was away: ephemerals stay, watches tell what was missed', async () => {
      const path = await root()
      const states: string[] = []
      client.onState((state) => states.push(state))
      const { id } = client.session!
      await client.create(`${path}/mine`, EMPTY, { mode: 'ephemeral' })
      const [later, created] = [watcher(), watcher()]
      await client.get(path, { watch: later.watch })
      await client.exists(`${path}/created`, { watch: created.watch })
      const suspended = new Promise<void>((resolve) => {
        const off = client.onState((state) => {
          if (state !== 'suspended') return
          off()
          resolve()
        })
      })
      await engine.kill()
      await suspended
      const waited = client.get(path, { timeoutMs: 20_000 })
      const early = await failure(client.get(path, { timeoutMs: 50 }))
      expect(early).toMatchObject({ code: 'COORDINATION_REQUEST_TIMEOUT', outcome: 'not-executed' })
      await engine.start()
      await waited
      expect(states).toEqual(['suspended', 'connected'])
      expect(client.session).toMatchObject({ id, count: 1 })
      expect(await client.exists(`${path}/mine`)).toBeDefined()
      expect([later.count, created.count]).toEqual([0, 0])
      await client.multi([
        { type: 'set', path, data: utf8('changed') },
        { type: 'create', path: `${path}/created`, data: EMPTY },
      ])
      expect(await later.event).toEqual({ type: 'data-changed', path })
      expect(await created.event).toEqual({ type: 'created', path: `${path}/created` })
    }, 40_000)
  })
}
