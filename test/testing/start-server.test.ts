import { describe, expect, it, onTestFinished } from 'vitest'
import { type CoordinationClient, connect } from '../../src/coordination/client/index.ts'
import { startServer, type TestServer, type TestServerOptions } from '../../src/testing/index.ts'

describe('a server for tests', () => {
  it('is alone, whatever else runs', async () => {
    const [one, other] = await Promise.all([start(), start()])
    const [a, b] = [clientOf(one), clientOf(other)]
    await a.create('/mine', new Uint8Array())
    expect(await b.exists('/mine')).toBeUndefined()
  })

  it('gives the same place as fenbu and as ZooKeeper', async () => {
    const server = await start()
    expect(server.url).toBe(`fenbu://127.0.0.1:${server.port}`)
    const client = connect(`${server.zookeeperUrl}/app`)
    onTestFinished(() => client.close())
    await client.create('/a', new Uint8Array())
    expect(await clientOf(server).exists('/app/a')).toBeDefined()
  })

  it('drops connections, and lets the clients come back with their sessions', async () => {
    const server = await start()
    const client = clientOf(server)
    await client.ready()
    const { id } = client.session!
    await server.faults.dropConnections()
    expect(client.state).toBe('suspended')
    await client.sync('/')
    expect(client.session?.id).toBe(id)
  })

  it('refuses connections until it accepts them again', async () => {
    const server = await start()
    server.faults.refuseConnections()
    const client = clientOf(server)
    await expect(client.ready({ timeoutMs: 200 })).rejects.toMatchObject({
      code: 'COORDINATION_REQUEST_TIMEOUT',
    })
    server.faults.acceptConnections()
    await client.ready()
  })

  it('carries nothing while it is paused', async () => {
    const server = await start()
    const client = clientOf(server)
    await client.ready()
    server.faults.pause()
    await expect(client.exists('/', { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'COORDINATION_REQUEST_TIMEOUT',
    })
    server.faults.resume()
    expect(await client.exists('/')).toBeDefined()
  })

  it('ends sessions soon, so that tests need not wait', async () => {
    const server = await start({ tickMs: 250 })
    const [holder, observer] = [clientOf(server, 500), connect(server.url)]
    onTestFinished(() => observer.close())
    await holder.create('/held', new Uint8Array(), { mode: 'ephemeral' })
    await observer.ready()
    const lost = entered(holder, 'lost')
    server.faults.pause()
    await lost
    server.faults.resume()
    await holder.ready()
    expect(await observer.exists('/held')).toBeUndefined()
  })

  it('says plainly what it cannot be asked for', async () => {
    await expect(startServer({ only: ['mq' as 'coordination'] })).rejects.toMatchObject({
      code: 'SERVER_FEATURE_UNAVAILABLE',
      message: 'startServer: this version has no "mq"; it has coordination',
    })
    await expect(startServer({ only: 'coordination' as unknown as [] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    await expect(startServer({ port: 1 } as TestServerOptions)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
    })
  })
})

async function start(options: TestServerOptions = { only: ['coordination'] }): Promise<TestServer> {
  const server = await startServer(options)
  onTestFinished(() => server.close())
  return server
}

function clientOf(server: TestServer, sessionTimeoutMs = 4_000): CoordinationClient {
  const client = connect(server.url, { sessionTimeoutMs })
  onTestFinished(() => client.close())
  return client
}

function entered(client: CoordinationClient, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.onState((state) => {
      if (state !== wanted) return
      stop()
      resolve()
    })
  })
}
