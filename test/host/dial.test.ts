import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Address, dial, type HostErrorCode } from '../../src/host/index.ts'
import { echoProtocol, frameOf } from './echo.ts'
import { openClient, openListener, Recorder, WAITING } from './support.ts'

describe('dialling', () => {
  it('connects by name', async () => {
    const listener = await openListener({ host: 'localhost' })
    const handler = new Recorder()
    const client = await openClient({ host: 'localhost', port: listener.address.port }, handler)
    client.writer.bytes(frameOf('by name'))
    await handler.until(() => handler.frames.length === 1)
  })

  it('fails with HOST_CONNECT_FAILED where nobody listens, and says so', async () => {
    const address = await closedPort()
    await expectFailure(address, 'HOST_CONNECT_FAILED', /nothing listens there: is the server running\?/)
  })

  it('names every address that a name was tried at', async () => {
    const { port } = await closedPort()
    await expectFailure({ host: 'localhost', port }, 'HOST_CONNECT_FAILED', /ECONNREFUSED (127\.0\.0\.1|::1)/)
  })

  it('fails with HOST_CONNECT_FAILED for a name that does not resolve', async () => {
    const address = { host: 'nobody.invalid', port: 1 }
    await expectFailure(address, 'HOST_CONNECT_FAILED', /does not resolve|does not answer/)
  })

  it.each([
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port: 65_536 },
    { host: '127.0.0.1', port: 1.5 },
    { host: '', port: 80 },
    { host: 'a b', port: 80 },
    { host: '::1]', port: 80 },
  ])('refuses an address that cannot be: %j', async (address) => {
    await expectFailure(address, 'HOST_ADDRESS_INVALID', /^dial: host ".*", port/)
  })

  it('fails with HOST_CONNECT_TIMEOUT when the handshake takes longer, and gives the socket back', async () => {
    const { address, server } = await silentServer()
    const failure = dial(address, echoProtocol, { tls: {}, connectTimeoutMs: 40 })
    await expect(failure).rejects.toMatchObject({
      code: 'HOST_CONNECT_TIMEOUT',
      outcome: 'not-executed',
      message: `echo to 127.0.0.1:${address.port}: no connection within 40 ms`,
    })
    await untilEmpty(server)
  })

  it('does not count the time in which this process did not run', async () => {
    const listener = await openListener()
    const dialled = dial(listener.address, echoProtocol, { connectTimeoutMs: 30 })
    const until = performance.now() + 150
    while (performance.now() < until);
    const connection = await dialled
    connection.destroy()
  })

  it('rejects with the reason of the signal, and gives the socket back', async () => {
    const { address, server } = await silentServer()
    const controller = new AbortController()
    const dialled = dial(address, echoProtocol, { tls: {}, signal: controller.signal })
    const connected = once(server, 'connection')
    await connected
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(dialled).rejects.toBe(reason)
    await untilEmpty(server)
  })

  it('does not begin under a signal that is aborted', async () => {
    const { address, server } = await silentServer()
    const onConnection = vi.fn()
    server.on('connection', onConnection)
    const signal = AbortSignal.abort(new Error('before'))
    await expect(dial(address, echoProtocol, { signal })).rejects.toThrow('before')
    expect(onConnection).not.toHaveBeenCalled()
  })

  it('forgets the signal once it is connected', async () => {
    const listener = await openListener()
    const controller = new AbortController()
    const handler = new Recorder()
    const client = await openClient(listener.address, handler, { signal: controller.signal })
    controller.abort()
    client.writer.bytes(frameOf('still here'))
    await handler.until(() => handler.frames.length === 1)
  })

  it('loses nothing that arrives before the handler is there', async () => {
    const listener = await openListener({}, (connection) => {
      connection.writer.bytes(frameOf('greeting'))
      return { frame: () => {}, closed: () => {} }
    })
    const connection = await dial(listener.address, echoProtocol)
    await vi.waitFor(() => expect(listener.connections.size).toBe(1), WAITING)
    const handler = new Recorder()
    connection.start(handler)
    await handler.until(() => handler.frames.length === 1)
    connection.destroy()
  })

  it('checks its options at the door', async () => {
    const address = { host: '127.0.0.1', port: 1 }
    await expect(dial(address, echoProtocol, { connectTimeoutMs: 0 })).rejects.toThrow(
      'dial: connectTimeoutMs is 0; allowed: a whole number from 1',
    )
    await expect(dial(address, echoProtocol, { timeout: 5 } as object)).rejects.toThrow(
      'dial: there is no option "timeout"; options: connectTimeoutMs, tls, signal, connection',
    )
  })
})

async function expectFailure(address: Address, code: HostErrorCode, message: RegExp): Promise<void> {
  await expect(dial(address, echoProtocol)).rejects.toMatchObject({
    code,
    outcome: 'not-executed',
    message: expect.stringMatching(message),
  })
}

/** Accepts, and says nothing: a TLS handshake with it never ends. */
async function silentServer(): Promise<{ address: Address; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { address: { host: '127.0.0.1', port: portOf(server) }, server }
}

async function closedPort(): Promise<Address> {
  const { address, server } = await silentServer()
  server.close()
  await once(server, 'close')
  return address
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function untilEmpty(server: Server): Promise<void> {
  const count = (): Promise<number> =>
    new Promise((resolve, reject) =>
      server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
    )
  await vi.waitFor(async () => expect(await count()).toBe(0), WAITING)
}
