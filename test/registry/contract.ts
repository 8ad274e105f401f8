import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type CoordinationClient, connect } from '../../src/coordination/client/index.ts'
import { parseHosts } from '../../src/engines/index.ts'
import {
  type InstanceList,
  openRegistry,
  type Registry,
  type RegistryOptions,
  type ServiceWatch,
} from '../../src/registry/index.ts'
import { FaultProxy } from '../../src/testing/fault-proxy.ts'

/** A registry of one engine, for the contract that all drivers share. */
export interface RegistryEngine {
  readonly url: string
  /** Ends the process or listener; the data stays. */
  kill(): Promise<void>
  /** Starts it again on the same data and address. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Short times, so that outages fit into a test; but no regular check that would hide a missed event. */
const FAST: RegistryOptions = {
  sessionTimeoutMs: 1_000,
  coalesceMs: 20,
  verifyMs: 60_000,
  confirmGraceMs: 1_500,
  cachePatienceMs: 100,
}

/** What every registry in a tree does for those who announce and those who look. */
export function describeRegistry(engineName: string, startEngine: () => Promise<RegistryEngine>): void {
  describe(`the registry on ${engineName}`, () => {
    let engine: RegistryEngine
    let proxy: FaultProxy
    const opened: (Registry | CoordinationClient)[] = []
    let serial = 0

    beforeAll(async () => {
      engine = await startEngine()
      const [address] = parseHosts(engine.url.slice('zookeeper://'.length))
      proxy = await FaultProxy.open(address!)
    })
    afterAll(async () => {
      await proxy?.close()
      await engine?.stop()
    })
    afterEach(async () => {
      proxy.acceptConnections()
      proxy.resume()
      for (const one of opened.splice(0)) await one.close()
    })

    /** A registry of its own for one side of a story; `shaky` ones go through the proxy. */
    async function open(options: RegistryOptions = {}, url = engine.url): Promise<Registry> {
      const registry = await openRegistry(url, { ...FAST, ...options })
      opened.push(registry)
      return registry
    }
    const shakyUrl = (): string => `zookeeper://127.0.0.1:${proxy.address.port}`
    const rawClient = (): CoordinationClient => {
      const client = connect(engine.url)
      opened.push(client)
      return client
    }
    const service = (): string => `order/${++serial}`
    const folderOf = (name: string): string => `/fenbu/services/${encodeURIComponent(name)}/providers`

    it('shows every field of a registered instance to a watch of another process', async () => {
      const [provider, consumer, name] = [await open(), await open(), service()]
      const registration = await provider.register({
        service: name,
        host: '127.0.0.1',
        port: 7001,
        version: '1.2.0',
        group: 'blue',
        weight: 7,
        zone: 'a',
        metadata: { 队列: '键盘' },
      })
      const list = await consumer.watch(name).ready()
      expect(list).toEqual({ service: name, revision: 1, source: 'live', instances: [registration.instance] })
      expect(registration.instance).toMatchObject({ version: '1.2.0', group: 'blue', weight: 7, state: 'up' })
      expect(await consumer.services()).toContain(name)
    })

    it('gives an empty list of a service that nobody provides, and tells when somebody does', async () => {
      const [provider, consumer, name] = [await open(), await open(), service()]
      const watch = consumer.watch(name)
      expect((await watch.ready()).instances).toEqual([])
      await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      expect(await until(watch, ports)).toEqual([7001])
    })

    it('shows a changed weight, then draining, then the end', async () => {
      const [provider, consumer, name] = [await open(), await open(), service()]
      const registration = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = consumer.watch(name)
      await registration.update({ weight: 0 })
      expect(await until(watch, (list) => list.instances.find(({ weight }) => weight === 0)?.state)).toBe(
        'up',
      )
      await registration.update({ state: 'draining' })
      expect(
        await until(watch, (list) => list.instances.find(({ state }) => state === 'draining')?.weight),
      ).toBe(0)
      await registration.deregister()
      await registration.deregister()
      expect(await until(watch, (list) => list.instances.length === 0 || undefined)).toBe(true)
      await expect(registration.update({ weight: 1 })).rejects.toMatchObject({
        code: 'REGISTRY_DEREGISTERED',
      })
    })

    it('brings a burst of changes together in few lists', async () => {
      const [provider, consumer, name] = [await open(), await open({ coalesceMs: 200 }), service()]
      const watch = consumer.watch(name)
      await watch.ready()
      const startedMs = performance.now()
      for (let port = 7001; port <= 7060; port++)
        await provider.register({ service: name, host: '127.0.0.1', port })
      const last = await until(watch, (list) => (list.instances.length === 60 ? list : undefined))
      const readingsAtMost = Math.ceil((performance.now() - startedMs) / 200) + 2
      expect(last.revision).toBeLessThanOrEqual(readingsAtMost)
      expect(readingsAtMost).toBeLessThan(30)
      expect(last.instances.map(({ id }) => id)).toEqual(last.instances.map(({ id }) => id).toSorted())
    })

    it('shares one subscription between watches, and ends those that were closed', async () => {
      const [consumer, name] = [await open(), service()]
      const [first, second] = [consumer.watch(name), consumer.watch(name)]
      expect(await first.ready()).toBe(await second.ready())
      const ended = drainOf(first)
      first.close()
      await ended
      await expect(first.ready()).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
      expect((await second.ready()).source).toBe('live')
    })

    it('keeps applications with different roots apart', async () => {
      const [one, other, name] = [await open({ root: 'one' }), await open({ root: 'other' }), service()]
      await one.register({ service: name, host: '127.0.0.1', port: 7001 })
      expect((await other.watch(name).ready()).instances).toEqual([])
    })

    it('counts and leaves out nodes that are no registrations, and takes them once they are', async () => {
      const [provider, consumer, client, name] = [await open(), await open(), rawClient(), service()]
      const { instance } = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const record = (change: object): Uint8Array => bytes({ format: 1, ...instance, id: 'late', ...change })
      await client.create(`${folderOf(name)}/late`, Uint8Array.of(0xff, 0x00))
      await client.create(`${folderOf(name)}/future`, record({ format: 9 }))
      await client.create(`${folderOf(name)}/stolen`, record({}))
      await client.create(`${folderOf(name)}/%zz`, record({}))
      const watch = consumer.watch(name)
      expect(portsOf(await watch.ready())).toEqual([7001])
      expect(consumer.status().ignored).toEqual({
        'too-large': 0,
        'not-json': 1,
        'unknown-format': 1,
        'invalid-field': 0,
        'wrong-place': 2,
      })
      await client.set(`${folderOf(name)}/late`, record({ port: 7002 }))
      expect(await until(watch, (list) => (list.instances.length === 2 ? portsOf(list) : undefined))).toEqual(
        [7001, 7002],
      )
    })

    it('makes a registration anew that somebody deleted', async () => {
      const [provider, client, name] = [await open(), rawClient(), service()]
      const { instance } = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const path = `${folderOf(name)}/${instance.id}`
      await client.delete(path)
      await eventually(() => client.exists(path))
      expect((await (await open()).watch(name).ready()).instances).toEqual([instance])
    })

    it('takes its node back from another session, which would take the node with it when it ends', async () => {
      const [provider, client, name] = [await open({ verifyMs: 50 }), rawClient(), service()]
      const { instance } = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const path = `${folderOf(name)}/${instance.id}`
      const { data } = await client.get(path)
      await client.multi([
        { type: 'delete', path },
        { type: 'create', path, data, mode: 'ephemeral' },
      ])
      const own = await eventually(async () => {
        const stat = await client.exists(path)
        return stat !== undefined && stat.ephemeralOwner !== client.session?.id ? stat : undefined
      })
      expect(own.ephemeralOwner).not.toBe(0n)
      await client.close()
      expect((await (await open()).watch(name).ready()).instances).toEqual([instance])
    })

    it('comes back under the same id after its session expired', async () => {
      const [provider, name] = [await open({}, shakyUrl()), service()]
      const { instance } = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = (await open()).watch(name)
      await watch.ready()
      proxy.refuseConnections()
      await proxy.dropConnections()
      await until(watch, (list) => list.instances.length === 0 || undefined)
      expect(provider.status().registrations).toEqual({ total: 1, verified: 0 })
      proxy.acceptConnections()
      await until(watch, (list) => list.instances.length === 1 || undefined)
      expect(watch.current?.instances).toEqual([instance])
      await eventually(async () => provider.status().registrations.verified === 1 || undefined)
    })

    it('drops the instances of a process that fell silent, when its session ends', async () => {
      const [provider, name] = [await open({}, shakyUrl()), service()]
      await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = (await open()).watch(name)
      await watch.ready()
      proxy.pause()
      expect(await until(watch, (list) => list.instances.length === 0 || undefined)).toBe(true)
    })

    it('keeps the last list while the registry is dead, and goes on when it is back', async () => {
      const [provider, consumer, name] = [await open(), await open(), service()]
      const registration = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = consumer.watch(name)
      await watch.ready()
      await engine.kill()
      try {
        const kept = await until(watch, (list) => (list.source === 'kept' ? list : undefined))
        expect(kept.instances).toEqual([registration.instance])
        expect(consumer.status().doubtful).toEqual({ [name]: 'kept' })
      } finally {
        await engine.start()
      }
      await until(watch, (list) => list.source === 'live' || undefined)
      expect(watch.current?.instances).toEqual([registration.instance])
      await registration.update({ weight: 5 })
      expect(await until(watch, (list) => list.instances[0]?.weight === 5 || undefined)).toBe(true)
    })

    it('doubts an empty list after a disturbance, and believes it when a second reading agrees', async () => {
      const [provider, consumer, name] = [await open(), await open({}, shakyUrl()), service()]
      const gone = [7001, 7002, 7003].map((port) =>
        provider.register({ service: name, host: '127.0.0.1', port }),
      )
      const registrations = await Promise.all(gone)
      const watch = consumer.watch(name)
      await watch.ready()
      const lists: InstanceList[] = []
      watch.subscribe((list) => lists.push(list))
      proxy.refuseConnections()
      await proxy.dropConnections()
      await until(watch, (list) => list.source === 'kept' || undefined)
      for (const registration of registrations) await registration.deregister()
      proxy.acceptConnections()
      const reconnectedMs = performance.now()
      await until(watch, (list) => (list.source === 'live' && list.instances.length === 0) || undefined)
      expect(performance.now() - reconnectedMs).toBeGreaterThan(FAST.confirmGraceMs! * 0.9)
      expect(lists.map(({ source, instances }) => `${source} ${instances.length}`)).toEqual([
        'kept 3',
        'live 0',
      ])
    })

    it('doubts a loss of all providers behind a partition that this consumer is not behind', async () => {
      const [provider, consumer, name] = [await open({}, shakyUrl()), await open(), service()]
      const registrations = await Promise.all(
        [7001, 7002, 7003].map((port) => provider.register({ service: name, host: '127.0.0.1', port })),
      )
      const watch = consumer.watch(name)
      expect((await watch.ready()).instances).toHaveLength(3)
      const lists: InstanceList[] = []
      watch.subscribe((list) => lists.push(list))
      proxy.refuseConnections()
      await proxy.dropConnections()
      await until(watch, (list) => list.source === 'kept' || undefined)
      proxy.acceptConnections()
      await until(watch, (list) => list.source === 'live' || undefined)
      expect(new Set(lists.map(({ instances }) => instances.length))).toEqual(new Set([3]))
      expect(watch.current?.instances.map(({ id }) => id)).toEqual(
        registrations.map(({ instance }) => instance.id).toSorted(),
      )
    })

    it('lets the last instance of a service go at once when it is deregistered, draining or not', async () => {
      const [provider, consumer, name] = [await open(), await open(), service()]
      const registration = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = consumer.watch(name)
      await watch.ready()
      const lists: InstanceList[] = []
      watch.subscribe((list) => lists.push(list))
      await registration.deregister()
      await until(watch, (list) => list.instances.length === 0 || undefined)
      expect(lists.map(({ source, instances }) => [source, ...instances.map(({ state }) => state)])).toEqual([
        ['live', 'draining'],
        ['live'],
      ])
    })

    it('removes a registration that ended while the registry was away, though the session goes on', async () => {
      const client = connect(shakyUrl(), { sessionTimeoutMs: 4_000 })
      opened.push(client)
      const provider = await open({ coordination: client, changeTimeoutMs: 100 })
      const [consumer, name] = [await open(), service()]
      const registration = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = consumer.watch(name)
      await watch.ready()
      proxy.refuseConnections()
      await proxy.dropConnections()
      await expect(registration.deregister()).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        outcome: 'unknown',
      })
      proxy.acceptConnections()
      await until(watch, (list) => list.instances.length === 0 || undefined)
      expect(client.session?.count).toBe(1)
      await eventually(async () => (provider.status().problem === undefined ? true : undefined))
    })

    it('gives up a registration that nobody confirms in time, and does not make it later', async () => {
      proxy.refuseConnections()
      const [registry, name] = [await open({ registerTimeoutMs: 150 }, shakyUrl()), service()]
      const description = { service: name, host: '127.0.0.1', port: 7001 }
      for (const options of [{}, { timeoutMs: 100 }])
        await expect(registry.register(description, options)).rejects.toMatchObject({
          code: 'REGISTRY_UNREACHABLE',
          outcome: 'unknown',
          message: expect.stringContaining(`${options.timeoutMs ?? 150} ms; it is withdrawn`),
        })
      await eventually(async () => registry.status().registrations.total === 0 || undefined)
      proxy.acceptConnections()
      await registry.ready()
      expect((await registry.watch(name).ready()).instances).toEqual([])
      await expect(registry.register(description, { timeoutMs: 0 })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
    })

    it('does not doubt a farewell: instances that were draining may go while the connection is shaky', async () => {
      const [provider, consumer, name] = [await open(), await open({}, shakyUrl()), service()]
      const registration = await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      const watch = consumer.watch(name)
      await watch.ready()
      await registration.update({ state: 'draining' })
      await until(watch, (list) => list.instances[0]?.state === 'draining' || undefined)
      const lists: InstanceList[] = []
      watch.subscribe((list) => lists.push(list))
      await proxy.dropConnections()
      await registration.deregister()
      await until(watch, (list) => list.instances.length === 0 || undefined)
      expect(lists.filter(({ instances }) => instances.length === 0).map(({ source }) => source)).toEqual([
        'live',
      ])
    })

    it('starts on the cached list when the registry does not answer, and says so', async () => {
      const cacheFolder = await temporaryFolder()
      const name = service()
      const { instance } = await (await open()).register({ service: name, host: '127.0.0.1', port: 7001 })
      const earlier = await open({ app: 'shop', cacheFolder }, shakyUrl())
      await earlier.watch(name).ready()
      await earlier.close()
      proxy.refuseConnections()
      const later = await open({ app: 'shop', cacheFolder }, shakyUrl())
      expect(later.status()).toMatchObject({ state: 'down', cache: 'filled' })
      const watch = later.watch(name)
      expect(await watch.ready()).toMatchObject({ source: 'cached', instances: [instance] })
      expect(later.status().doubtful).toEqual({ [name]: 'cached' })
      proxy.acceptConnections()
      await until(watch, (list) => list.source === 'live' || undefined)
      expect(watch.current?.instances).toEqual([instance])
    })

    it('ignores a damaged cache file with a warning, and writes it anew', async () => {
      const cacheFolder = await temporaryFolder()
      const name = service()
      await (await open()).register({ service: name, host: '127.0.0.1', port: 7001 })
      const first = await open({ app: 'shop', cacheFolder })
      await first.watch(name).ready()
      await first.close()
      const [file] = await readdir(cacheFolder)
      await writeFile(join(cacheFolder, file!), '{"format":1,')
      const warned = nextWarning()
      const second = await open({ app: 'shop', cacheFolder })
      expect(await warned).toMatchObject({ code: 'REGISTRY_CACHE_CORRUPT' })
      expect(second.status().problem).toContain('cache file')
      await second.watch(name).ready()
      await second.close()
      expect(await readdir(cacheFolder)).toEqual([file])
      expect(await readFile(join(cacheFolder, file!), 'utf8')).toContain('"port":7001')
    })

    it('waits for the registry until the signal ends the patience', async () => {
      proxy.refuseConnections()
      const registry = await open({}, shakyUrl())
      const reason = new Error('enough')
      const signal = AbortSignal.any([AbortSignal.timeout(100), AbortSignal.abort(reason)])
      await expect(registry.ready({ signal })).rejects.toBe(reason)
      await expect(registry.watch('order').ready({ signal })).rejects.toBe(reason)
      await expect(
        registry.register({ service: 'order', host: '127.0.0.1', port: 7001 }, { signal }),
      ).rejects.toBe(reason)
      const later = AbortSignal.timeout(50)
      await expect(registry.watch('order').ready({ signal: later })).rejects.toMatchObject({
        name: 'TimeoutError',
      })
      await expect(registry.watch('order').ready({ timeoutMs: 50 })).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
      })
      expect(registry.status()).toMatchObject({ state: 'down', registrations: { total: 0 } })
    })

    it('leaves nothing behind when it is closed, and a client that it was given to its owner', async () => {
      const [client, name] = [rawClient(), service()]
      const provider = await open({ coordination: client })
      await provider.register({ service: name, host: '127.0.0.1', port: 7001 })
      await provider.close()
      expect((await client.children(folderOf(name))).children).toEqual([])
      await expect(provider.register({ service: name, host: '127.0.0.1', port: 7001 })).rejects.toMatchObject(
        { code: 'REGISTRY_CLOSED' },
      )
      expect(() => provider.watch(name)).toThrow(expect.objectContaining({ code: 'REGISTRY_CLOSED' }))
    })

    it('writes the lists that came last into the cache file before it is closed', async () => {
      const cacheFolder = await temporaryFolder()
      const [provider, first, last] = [await open(), service(), service()]
      await provider.register({ service: first, host: '127.0.0.1', port: 7001 })
      await provider.register({ service: last, host: '127.0.0.1', port: 7002 })
      const consumer = await open({ app: 'shop', cacheFolder })
      await consumer.watch(first).ready()
      await consumer.watch(last).ready()
      await consumer.close()
      const [file] = await readdir(cacheFolder)
      const text = await readFile(join(cacheFolder, file!), 'utf8')
      expect(text).toContain('"port":7001')
      expect(text).toContain('"port":7002')
    })

    it.each([
      ['a port', { port: 70_000 }],
      ['a weight', { weight: -1 }],
      ['a version', { version: 'new' }],
      ['a service name', { service: '' }],
      ['metadata', { metadata: { a: 1 as unknown as string } }],
    ])('refuses %s that cannot be', async (_title, change) => {
      const registry = await open()
      const description = { service: 'order', host: '127.0.0.1', port: 7001, ...change }
      await expect(registry.register(description)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    })
  })
}

function portsOf(list: InstanceList): readonly number[] {
  return list.instances.map(({ port }) => port).toSorted()
}

function ports(list: InstanceList): readonly number[] | undefined {
  return list.instances.length > 0 ? portsOf(list) : undefined
}

/** The first answer that is not undefined, over the lists to come (and the present one). */
async function until<Found>(
  watch: ServiceWatch,
  look: (list: InstanceList) => Found | undefined,
): Promise<Found> {
  for await (const list of watch) {
    const found = look(list)
    if (found !== undefined) return found
  }
  throw new Error('the watch ended')
}

async function drainOf(watch: ServiceWatch): Promise<void> {
  for await (const _ of watch);
}

/** Asks again until there is an answer; the test's time limit is the bound. */
async function eventually<Found>(ask: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function nextWarning(): Promise<Error> {
  return new Promise((resolve) => process.once('warning', resolve))
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-registry-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
