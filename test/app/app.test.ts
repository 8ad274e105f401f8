import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type App, type ConnectOptions, type ConnectTargets, connect } from '../../src/index.ts'
import { startServer, type TestServer } from '../../src/testing/index.ts'
import { Peer } from './peer.ts'

interface OrderService {
  buy(item: string): Promise<{ item: string; pid: number }>
}

/** Short times, so that outages fit into a test. */
const FAST: ConnectOptions = {
  sessionTimeoutMs: 1_000,
  registry: { coalesceMs: 20, verifyMs: 300, cachePatienceMs: 100, cacheFolder: false },
}

describe('an application', () => {
  it('calls a service of another one as if it were local', async () => {
    const { url } = await testServer()
    const [provider, consumer] = [await open(url), await open(url)]
    await provider.provide<OrderService>('order', here(), { version: '1.2.0' })
    const orders = consumer.service<OrderService>('order', { version: '^1' })
    expect(await orders.buy('HHKB键盘')).toEqual({ item: 'HHKB键盘', pid: process.pid })
    expect(await consumer.invoke('order', 'buy', ['x'])).toEqual({ item: 'x', pid: process.pid })
    expect(provider.status).toMatchObject({
      coordination: { url, state: 'connected' },
      registry: { state: 'connected', registrations: { total: 1, verified: 1 } },
      provider: { inFlight: 0 },
      notes: [],
    })
  })

  it('shares one session between its coordination and its registry', async () => {
    const { url } = await testServer()
    const app = await open(url)
    const { registration } = await app.provide('order', here())
    const { id, service } = registration!.instance
    const { stat } = await app.coordination.get(`/fenbu/services/${service}/providers/${id}`)
    expect(stat.ephemeralOwner).toBe(app.coordination.session?.id)
  })

  it('keeps its registry, and later applications their connection, when its coordination is closed', async () => {
    const { url } = await testServer()
    const app = await open(url)
    await app.provide('order', here())
    const { coordination } = app
    await coordination.close()
    await expect(coordination.exists('/')).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
    expect(app.status.registry).toMatchObject({
      state: 'connected',
      registrations: { total: 1, verified: 1 },
    })
    const later = await open(url)
    await later.coordination.exists('/')
    expect((await later.service<OrderService>('order').buy('x')).pid).toBe(process.pid)
  })

  it('goes on when a provider is killed, with those that are left', async () => {
    const { url } = await testServer()
    const consumer = await open(url)
    const [first, second] = await Promise.all([Peer.start(url), Peer.start(url)])
    await Promise.all([first.ask('provide'), second.ask('provide')])
    await consumer.registry.watch('order').ready()
    const orders = consumer.service<OrderService>('order', { idempotent: ['buy'] })
    const seen = new Set<number>()
    while (seen.size < 2) seen.add((await orders.buy('x')).pid)
    await first.kill('SIGKILL')
    for (let calls = 0; calls < 50; calls++) expect((await orders.buy('x')).pid).toBe(second.pid)
  })

  it('starts on the cached list while the registry is down, and says so until it is back', async () => {
    const server = await testServer()
    const cacheFolder = await temporaryFolder()
    // Another session time-out has another connection, as another process would.
    const options = { name: 'shop', sessionTimeoutMs: 2_000, registry: { ...FAST.registry, cacheFolder } }
    const provider = await open(server.url)
    await provider.provide('order', here())
    const earlier = await open(server.url, options)
    await earlier.service<OrderService>('order').buy('x')
    await earlier.close()

    server.faults.refuseConnections()
    const startedMs = performance.now()
    const app = await open(server.url, { ...options, timeoutMs: 10_000 })
    expect(performance.now() - startedMs).toBeLessThan(3_000)
    expect((await app.service<OrderService>('order').buy('x')).pid).toBe(process.pid)
    expect(app.status.notes.join('\n')).toContain(
      `registry: ${server.url} is down; starting on the cached list`,
    )

    server.faults.acceptConnections()
    await app.registry.ready()
    for await (const list of app.registry.watch('order')) if (list.source === 'live') break
    expect(app.status.notes).toEqual([])
  })

  it('goes on calling while the registry is dead for longer than any session lives', async () => {
    const server = await testServer()
    const [provider, consumer] = [await open(server.url), await open(server.url)]
    await provider.provide('order', here())
    const orders = consumer.service<OrderService>('order')
    await orders.buy('x')
    const lost = entered(provider, 'lost')
    server.faults.refuseConnections()
    await server.faults.dropConnections()
    let calls = 0
    let over = false
    void lost.then(() => {
      over = true
    })
    while (!over) {
      await orders.buy('x')
      calls++
    }
    expect(calls).toBeGreaterThan(10)
    expect(consumer.status.registry.doubtful).toEqual({ order: 'kept' })
    server.faults.acceptConnections()
    await entered(provider, 'connected')
    for await (const list of consumer.registry.watch('order'))
      if (list.source === 'live' && list.instances.length === 1) break
    await orders.buy('x')
  })

  it('loses no session of anyone while it blocks its event loop for 5 s beside its embedded server', async () => {
    const app = await open('embedded:', { sessionTimeoutMs: 10_000 })
    const peer = await Peer.start(app.status.coordination!.url, 4_000)
    await peer.ask('provide')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000)
    expect(await peer.ask('session')).toEqual({ count: 1, states: [] })
    await app.coordination.sync('/')
    expect(app.coordination.session?.count).toBe(1)
    expect((await app.service<OrderService>('order').buy('x')).pid).toBe(peer.pid)
  })

  it('finishes the calls under way before it closes, and takes no new ones', async () => {
    const { url } = await testServer()
    const [provider, consumer] = [await open(url), await open(url)]
    let finish: (pid: number) => void = () => undefined
    const begun = new Promise<void>((resolveBegun) => {
      const buy = (): Promise<unknown> => {
        resolveBegun()
        return new Promise((resolve) => {
          finish = (pid) => resolve({ item: 'late', pid })
        })
      }
      void provider.provide('order', { buy })
    })
    for await (const list of consumer.registry.watch('order')) if (list.instances.length === 1) break
    const answer = consumer.service<OrderService>('order', { timeoutMs: 10_000 }).buy('x')
    await begun
    const closed = provider.close()
    for await (const list of consumer.registry.watch('order'))
      if (list.instances[0]?.state === 'draining') break
    finish(7)
    expect(await answer).toEqual({ item: 'late', pid: 7 })
    await closed
    for await (const list of consumer.registry.watch('order')) if (list.instances.length === 0) break
    await expect(provider.provide('stock', here())).rejects.toMatchObject({ code: 'APP_CLOSED' })
    await provider.close()
  })

  it('keeps what an embedded server with a folder was told, for the next start', async () => {
    const folder = await temporaryFolder()
    const first = await open(`embedded:${folder}`)
    await first.coordination.create('/kept', new TextEncoder().encode('键盘'))
    await expect(connect(`embedded:${folder}`)).rejects.toMatchObject({ code: 'SERVER_DATA_IN_USE' })
    await first.close()
    const second = await open(`embedded:${folder}`)
    expect(new TextDecoder().decode((await second.coordination.get('/kept')).data)).toBe('键盘')
  })

  it('works on fixed addresses alone, without a coordination service', async () => {
    const { url } = await testServer()
    const provider = await open(url)
    const { registration } = await provider.provide('order', here())
    const { host, port } = registration!.instance
    const app = await open(`static:order=${host}:${port}`)
    expect((await app.service<OrderService>('order').buy('x')).pid).toBe(process.pid)
    expect(() => app.coordination).toThrow(expect.objectContaining({ code: 'APP_NOT_CONNECTED' }))
    expect(app.status).toMatchObject({ coordination: undefined, registry: { state: 'connected' }, notes: [] })
  })

  it('takes its registry from elsewhere when it is told so', async () => {
    const { zookeeperUrl } = await testServer()
    const app = await open({ coordination: `${zookeeperUrl}/shop`, registry: 'static:order=127.0.0.1:7001' })
    await app.coordination.create('/a', new Uint8Array())
    expect((await app.registry.watch('order').ready()).instances).toMatchObject([{ port: 7001 }])
  })

  it('can be disposed of, and closed twice', async () => {
    const { url } = await testServer()
    const app = await connect(url, FAST)
    await app[Symbol.asyncDispose]()
    await app.close()
  })

  it.each<[string | ConnectTargets, string]>([
    ['localhost', 'ENGINE_URL_INVALID'],
    ['zookeper://zk', 'ENGINE_SCHEME_UNKNOWN'],
    ['redis://cache', 'ENGINE_NOT_AVAILABLE'],
    [{ coordination: 'static:a=b:1' }, 'ENGINE_WRONG_ROLE'],
    [{ mq: 'amqp://rabbit' } as ConnectTargets, 'ENGINE_NOT_AVAILABLE'],
    [{ coordinator: 'fenbu://x' } as ConnectTargets, 'OPTION_UNKNOWN'],
    [{}, 'OPTION_INVALID'],
    [7 as unknown as string, 'OPTION_INVALID'],
  ])('refuses to connect to %j: %s', async (to, code) => {
    await expect(connect(to)).rejects.toMatchObject({ code })
  })

  it('refuses options that it does not have', async () => {
    await expect(connect('static:', { nmae: 'shop' } as ConnectOptions)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
      message: expect.stringContaining('name'),
    })
    await expect(connect('static:', { timeoutMs: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    for (const host of ['0.0.0.0', '::'])
      await expect(connect('static:', { provide: { host, insecure: true } })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('provide.advertiseHost'),
      })
  })

  it('names the engine that does not answer', async () => {
    const server = await testServer()
    server.faults.refuseConnections()
    await expect(connect(server.url, { ...FAST, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'APP_ENGINE_UNREACHABLE',
      message: `connect: registry ${server.url} did not answer within 200 ms`,
    })
    const targets = { coordination: server.zookeeperUrl, registry: 'static:' }
    await expect(connect(targets, { ...FAST, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'APP_ENGINE_UNREACHABLE',
      message: `connect: coordination ${server.zookeeperUrl} did not answer within 200 ms`,
    })
  })

  it('gives back what it had opened when another engine does not answer', async () => {
    const folder = await temporaryFolder()
    const targets = { coordination: `embedded:${folder}`, registry: 'zookeeper://127.0.0.1:1' }
    await expect(connect(targets, { ...FAST, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'APP_ENGINE_UNREACHABLE',
    })
    await open(`embedded:${folder}`)
  })

  it('gives up connecting when its signal says so', async () => {
    const server = await testServer()
    server.faults.refuseConnections()
    const abort = new AbortController()
    const connecting = connect(server.url, { ...FAST, signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(connecting).rejects.toThrow('enough')
  })

  it('says which port is taken, and can provide on another', async () => {
    const { url } = await testServer()
    const first = await open(url)
    const { registration } = await first.provide('order', here())
    const { port } = registration!.instance
    const second = await open(url, { provide: { port } })
    await expect(second.provide('order', here())).rejects.toMatchObject({ code: 'HOST_ADDRESS_IN_USE' })
    await first.close()
    await second.provide('order', here())
  })
})

function here(): OrderService {
  return { buy: async (item) => ({ item, pid: process.pid }) }
}

async function testServer(): Promise<TestServer> {
  const server = await startServer({ only: ['coordination'] })
  onTestFinished(() => server.close())
  return server
}

async function open(to: string | ConnectTargets, options: ConnectOptions = {}): Promise<App> {
  const app = await connect(to, { ...FAST, ...options })
  onTestFinished(() => app.close())
  return app
}

function entered(app: App, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = app.coordination.onState((state) => {
      if (state !== wanted) return
      stop()
      resolve()
    })
  })
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-app-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
