import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { startEmbedded } from './embedded-engine.ts'

const INTEROP = join(import.meta.dirname, '../interop')

/** The parts of node-zookeeper-client that are used here; it has no types of its own. */
interface Library {
  createClient(hosts: string, options?: { sessionTimeout?: number }): Client
  readonly CreateMode: Readonly<
    Record<'PERSISTENT' | 'EPHEMERAL' | 'PERSISTENT_SEQUENTIAL' | 'EPHEMERAL_SEQUENTIAL', number>
  >
  readonly Event: Readonly<
    Record<'NODE_CREATED' | 'NODE_DELETED' | 'NODE_DATA_CHANGED' | 'NODE_CHILDREN_CHANGED', number>
  >
  readonly ACL: { readonly OPEN_ACL_UNSAFE: unknown; readonly READ_ACL_UNSAFE: unknown }
}
type Callback<Result extends unknown[]> = (
  error: (Error & { name: string }) | null,
  ...result: Result
) => void
interface WatchedEvent {
  getType(): number
  getPath(): string
}
type Watcher = (event: WatchedEvent) => void
interface NodeStat {
  readonly version: number
  readonly dataLength: number
  readonly numChildren: number
  readonly ephemeralOwner: Buffer
}
interface Transaction {
  create(path: string, data?: Buffer): Transaction
  setData(path: string, data: Buffer | null, version?: number): Transaction
  check(path: string, version?: number): Transaction
  remove(path: string, version?: number): Transaction
  commit(callback: Callback<[unknown[]]>): void
}
interface Client {
  connect(): void
  close(): void
  once(event: string, listener: () => void): void
  getSessionId(): Buffer
  getSessionPassword(): Buffer
  getSessionTimeout(): number
  getState(): { readonly name: string }
  create(path: string, data: Buffer | null, mode: number, callback: Callback<[string]>): void
  mkdirp(path: string, callback: Callback<[string]>): void
  remove(path: string, version: number, callback: Callback<[]>): void
  setData(path: string, data: Buffer | null, version: number, callback: Callback<[NodeStat]>): void
  getData(path: string, watcher: Watcher | null, callback: Callback<[Buffer | undefined, NodeStat]>): void
  exists(path: string, watcher: Watcher | null, callback: Callback<[NodeStat | null]>): void
  getChildren(path: string, watcher: Watcher | null, callback: Callback<[string[], NodeStat]>): void
  getACL(path: string, callback: Callback<[unknown[], NodeStat]>): void
  setACL(path: string, acl: unknown, version: number, callback: Callback<[NodeStat]>): void
  listSubTreeBFS(path: string, callback: Callback<[string[]]>): void
  transaction(): Transaction
}

let library: Library

beforeAll(() => {
  if (!existsSync(join(INTEROP, 'node_modules')))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', INTEROP])
  library = createRequire(join(INTEROP, 'package.json'))('node-zookeeper-client') as Library
}, 120_000)

for (const [name, start] of [
  ['fenbu', startEmbedded],
  ['ZooKeeper', startRealZooKeeper],
] as const)
  describe(`node-zookeeper-client on ${name}`, () => {
    let engine: { readonly port: number; stop(): Promise<void> }
    let client: Client
    const clients: Client[] = []

    const open = async (): Promise<Client> => {
      const made = library.createClient(`127.0.0.1:${engine.port}`, { sessionTimeout: 10_000 })
      clients.push(made)
      const connected = new Promise<void>((resolve) => made.once('connected', resolve))
      made.connect()
      await connected
      return made
    }
    /** Turns a callback into a promise of its results. */
    const call = <Result extends unknown[]>(action: (callback: Callback<Result>) => void): Promise<Result> =>
      new Promise((resolve, reject) => {
        action((error, ...result) => (error ? reject(error) : resolve(result)))
      })
    const create = (path: string, data = '', mode = library.CreateMode.PERSISTENT): Promise<[string]> =>
      call((done) => client.create(path, Buffer.from(data), mode, done))
    const get = (path: string): Promise<[Buffer | undefined, NodeStat]> =>
      call((done) => client.getData(path, null, done))
    /** A watcher, and the event it is called with. */
    const watching = (): { watcher: Watcher; event: Promise<WatchedEvent> } => {
      let watcher: Watcher = () => {}
      const event = new Promise<WatchedEvent>((resolve) => {
        watcher = resolve
      })
      return { watcher, event }
    }

    beforeAll(async () => {
      engine = await start()
      client = await open()
      await create('/nzc')
    }, 60_000)
    afterAll(async () => {
      for (const each of clients) each.close()
      await engine?.stop()
    }, 30_000)

    it('connects and is given a session', () => {
      expect(client.getState().name).toBe('SYNC_CONNECTED')
      expect(client.getSessionId()).toHaveLength(8)
      expect(client.getSessionPassword()).toHaveLength(16)
      expect(client.getSessionTimeout()).toBe(10_000)
    })

    it('creates a node and reads it', async () => {
      expect(await create('/nzc/a', 'HHKB键盘')).toEqual(['/nzc/a'])
      const [data, stat] = await get('/nzc/a')
      expect(data?.toString()).toBe('HHKB键盘')
      expect(stat).toMatchObject({ version: 0, dataLength: 10, numChildren: 0 })
    })

    it('is told when a node exists already', async () => {
      await expect(create('/nzc')).rejects.toMatchObject({ name: 'NODE_EXISTS' })
    })

    it('is told when a parent is missing', async () => {
      await expect(create('/nzc/none/a')).rejects.toMatchObject({ name: 'NO_NODE' })
    })

    it('creates parents as it goes', async () => {
      await call((done) => client.mkdirp('/nzc/p/q/r', done))
      expect(await call((done) => client.exists('/nzc/p/q/r', null, done))).toEqual([expect.anything()])
    })

    it('numbers sequential nodes', async () => {
      const names: string[] = []
      for (let i = 0; i < 3; i++)
        names.push(...(await create('/nzc/p/s-', '', library.CreateMode.PERSISTENT_SEQUENTIAL)))
      expect(names).toEqual(['/nzc/p/s-0000000001', '/nzc/p/s-0000000002', '/nzc/p/s-0000000003'])
    })

    it('sets data, and only at the version it names', async () => {
      await create('/nzc/v')
      const [stat] = await call<[NodeStat]>((done) => client.setData('/nzc/v', Buffer.from('1'), 0, done))
      expect(stat.version).toBe(1)
      await expect(call((done) => client.setData('/nzc/v', Buffer.from('2'), 0, done))).rejects.toMatchObject(
        { name: 'BAD_VERSION' },
      )
    })

    it('removes leaves only', async () => {
      await expect(call((done) => client.remove('/nzc/p', -1, done))).rejects.toMatchObject({
        name: 'NOT_EMPTY',
      })
      await create('/nzc/leaf')
      await call((done) => client.remove('/nzc/leaf', -1, done))
      expect(await call((done) => client.exists('/nzc/leaf', null, done))).toEqual([null])
    })

    it('is told when what it removes is not there', async () => {
      await expect(call((done) => client.remove('/nzc/none', -1, done))).rejects.toMatchObject({
        name: 'NO_NODE',
      })
    })

    it('lists children with the figures of the parent', async () => {
      const [children, stat] = await call<[string[], NodeStat]>((done) =>
        client.getChildren('/nzc/p', null, done),
      )
      expect(children).toContain('q')
      expect(stat.numChildren).toBe(children.length)
    })

    it('lists what is below a node', async () => {
      const [paths] = await call<[string[]]>((done) => client.listSubTreeBFS('/nzc/p', done))
      expect(paths).toContain('/nzc/p/q')
    })

    it('reads ACLs and sets them', async () => {
      await create('/nzc/acl')
      const [acl] = await call<[unknown[]]>((done) =>
        client.getACL('/nzc/acl', (error, list) => done(error, list)),
      )
      expect(acl).toHaveLength(1)
      await call((done) => client.setACL('/nzc/acl', library.ACL.READ_ACL_UNSAFE, -1, done))
      await expect(
        call((done) => client.setData('/nzc/acl', Buffer.from('x'), -1, done)),
      ).rejects.toMatchObject({ name: 'NO_AUTH' })
    })

    it('is told of a creation that it waited for', async () => {
      const { watcher, event } = watching()
      await call((done) => client.exists('/nzc/soon', watcher, done))
      await create('/nzc/soon')
      expect((await event).getType()).toBe(library.Event.NODE_CREATED)
    })

    it('is told of a change of data', async () => {
      const { watcher, event } = watching()
      await call((done) => client.getData('/nzc/soon', watcher, done))
      await call((done) => client.setData('/nzc/soon', Buffer.from('x'), -1, done))
      expect((await event).getType()).toBe(library.Event.NODE_DATA_CHANGED)
    })

    it('is told of a change among children', async () => {
      const { watcher, event } = watching()
      await call((done) => client.getChildren('/nzc/soon', watcher, done))
      await create('/nzc/soon/child')
      expect((await event).getType()).toBe(library.Event.NODE_CHILDREN_CHANGED)
      expect((await event).getPath()).toBe('/nzc/soon')
    })

    it('is told of a deletion', async () => {
      const { watcher, event } = watching()
      await call((done) => client.exists('/nzc/soon/child', watcher, done))
      await call((done) => client.remove('/nzc/soon/child', -1, done))
      expect((await event).getType()).toBe(library.Event.NODE_DELETED)
    })

    it('applies a transaction as one', async () => {
      const [results] = await call<[unknown[]]>((done) =>
        client
          .transaction()
          .create('/nzc/t', Buffer.from('1'))
          .check('/nzc/t', 0)
          .setData('/nzc/t', Buffer.from('2'), 0)
          .create('/nzc/t/child')
          .remove('/nzc/t/child')
          .commit(done),
      )
      expect(results).toHaveLength(5)
      expect((await get('/nzc/t'))[0]?.toString()).toBe('2')
    })

    it('leaves nothing of a transaction that fails', async () => {
      await expect(
        call((done) => client.transaction().create('/nzc/t/x').remove('/nzc/none').commit(done)),
      ).rejects.toMatchObject({ name: 'NO_NODE' })
      expect(await call((done) => client.exists('/nzc/t/x', null, done))).toEqual([null])
    })

    it('owns ephemeral nodes, which go when it closes', async () => {
      const owner = await open()
      const mode = library.CreateMode.EPHEMERAL
      await call((done) => owner.create('/nzc/mine', Buffer.alloc(0), mode, done))
      const { watcher, event } = watching()
      const [stat] = await call<[NodeStat | null]>((done) => client.exists('/nzc/mine', watcher, done))
      expect(stat?.ephemeralOwner).toEqual(owner.getSessionId())
      owner.close()
      expect((await event).getType()).toBe(library.Event.NODE_DELETED)
    })

    it('keeps the order of many calls made at once', async () => {
      const seen: string[] = []
      await Promise.all(
        Array.from({ length: 100 }, async (_, i) => {
          await call((done) => client.setData('/nzc/t', Buffer.from(String(i)), -1, done))
          seen.push(String(i))
        }),
      )
      expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
      expect((await get('/nzc/t'))[0]?.toString()).toBe('99')
    })
  })
