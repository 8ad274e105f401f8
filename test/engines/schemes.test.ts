import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openCoordinationEngine, schemeOf } from '../../src/engines/index.ts'
import { openRegistry } from '../../src/registry/index.ts'
import { startServer } from '../../src/testing/index.ts'

describe('the URL of an engine', () => {
  it.each([
    ['redis://cache', 'ENGINE_NOT_AVAILABLE', 'does not speak redis:'],
    ['etcd://e1:2379', 'ENGINE_NOT_AVAILABLE', 'does not speak etcd:'],
    ['amqps://user:secret@rabbit/shop', 'ENGINE_NOT_AVAILABLE', 'amqps://rabbit/shop'],
    ['zookeper://zk1', 'ENGINE_SCHEME_UNKNOWN', 'zookeeper://zk1:2181'],
    ['constructor:x', 'ENGINE_SCHEME_UNKNOWN', 'no engine constructor:'],
    ['localhost', 'ENGINE_URL_INVALID', '"localhost" is not a URL'],
    ['', 'ENGINE_URL_INVALID', 'write for example fenbu://localhost'],
    ['static:order=127.0.0.1:1', 'ENGINE_WRONG_ROLE', 'cannot serve as coordination'],
  ])('%s is refused as %s, with the way out', (url, code, text) => {
    expect(() => schemeOf(url, 'coordination')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    )
  })

  it('never shows credentials', () => {
    expect(() => schemeOf('amqps://user:secret@rabbit/shop', 'registry')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })

  it.each([
    'static:order',
    'static:=127.0.0.1:1',
    'static:order=127.0.0.1:1;order=127.0.0.1:1',
    'static:order@=127.0.0.1:1',
    'static:order=127.0.0.1:1=2',
    'static:%zz=127.0.0.1:1',
  ])('%s is refused as a registry', async (url) => {
    await expect(openRegistry(url)).rejects.toMatchObject({ code: 'REGISTRY_URL_INVALID' })
  })

  it.each(['static:order=127.0.0.1', 'static:order=127.0.0.1:99999', 'fenbu://localhost:x'])(
    '%s is refused for its address',
    async (url) => {
      await expect(openRegistry(url)).rejects.toMatchObject({ code: 'HOST_ADDRESS_INVALID' })
    },
  )
})

describe('an engine', () => {
  it('says that nobody answers, and where', async () => {
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const engine = await openCoordinationEngine(`zookeeper://127.0.0.1:${port}`)
    onTestFinished(() => engine.close())
    await expect(engine.ready({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: `zookeeper://127.0.0.1:${port} did not answer within 100 ms`,
    })
    expect(await engine.health({ timeoutMs: 50 })).toMatchObject({ state: 'down' })
  })

  it('shares one connection per URL, which ends with its last user', async () => {
    const server = await startServer({ only: ['coordination'] })
    onTestFinished(() => server.close())
    const [one, two] = [await openCoordinationEngine(server.url), await openCoordinationEngine(server.url)]
    const other = await openCoordinationEngine(server.url, { sessionTimeoutMs: 2_000 })
    await Promise.all([one, two, other].map((engine) => engine.ready()))
    const id = two.client.session?.id
    expect(one.client.session?.id).toBe(id)
    expect(other.client.session?.id).not.toBe(id)
    await one.close()
    await one.close()
    await two.client.exists('/')
    expect(two.client.session?.id).toBe(id)
    await two.close()
    const later = await openCoordinationEngine(server.url)
    await later.ready()
    expect(later.client.session?.id).not.toBe(id)
    await Promise.all([later.close(), other.close()])
  })

  it('gives each user a handle whose end is nobody else’s', async () => {
    const server = await startServer({ only: ['coordination'] })
    onTestFinished(() => server.close())
    const [one, two] = [await openCoordinationEngine(server.url), await openCoordinationEngine(server.url)]
    onTestFinished(() => two.close())
    await one.ready()
    const states: string[] = []
    const unheard: string[] = []
    one.client.onState((state) => states.push(state))
    one.client.onState((state) => unheard.push(state))()
    await one.client.create('/mine', new Uint8Array(), { mode: 'ephemeral' })
    await one.client.close()
    await one.client[Symbol.asyncDispose]()
    expect(one.client.state).toBe('closed')
    expect([states, unheard]).toEqual([['closed'], []])
    for (const call of [one.client.exists('/'), one.client.ready(), one.client.sync('/')])
      await expect(call).rejects.toMatchObject({ code: 'ENGINE_CLOSED', outcome: 'not-executed' })
    expect(await two.client.exists('/mine')).toBeDefined()
    const three = await openCoordinationEngine(server.url)
    await three.client.exists('/')
    await three.close()
  })

  it.each([
    ['an option that TLS does not have', { cret: 'x' }, 'OPTION_UNKNOWN'],
    ['a certificate without its key', { cert: 'x' }, 'OPTION_INVALID'],
    ['what is no certificate', { ca: 'x', cert: 'x', key: 'x' }, 'HOST_TLS_INVALID'],
    ['what is no object', 'ca.pem', 'OPTION_INVALID'],
  ])('refuses %s at once', async (_what, tls, code) => {
    const opening = openCoordinationEngine('fenbu://127.0.0.1:1', { tls: tls as never })
    await expect(opening).rejects.toMatchObject({ code })
  })
})
