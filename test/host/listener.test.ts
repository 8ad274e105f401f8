import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Connection, Service } from '../../src/host/index.ts'
import { echo, echoProtocol, frameOf } from './echo.ts'
import { openClient, openListener, Recorder, rawPeer, untilEnded, WAITING } from './support.ts'

describe('a listener', () => {
  it('finds a free port for port 0, on loopback unless told otherwise', async () => {
    const listener = await openListener()
    expect(listener.address.host).toBe('127.0.0.1')
    expect(listener.address.port).toBeGreaterThan(0)
  })

  it('listens on IPv6', async () => {
    const listener = await openListener({ host: '::1' })
    const handler = new Recorder()
    const client = await openClient(listener.address, handler)
    expect(client.remoteHost).toBe('::1')
    client.writer.bytes(frameOf('six'))
    await handler.until(() => handler.frames.length === 1)
  })

  it('says who has the port: HOST_ADDRESS_IN_USE', async () => {
    const { port } = (await openListener()).address
    await expect(openListener({ port })).rejects.toMatchObject({
      code: 'HOST_ADDRESS_IN_USE',
      outcome: 'not-executed',
      message: `cannot listen on 127.0.0.1:${port}: another process listens there; use another port, or 0 for a free one`,
      cause: { code: 'EADDRINUSE' },
    })
  })

  it('says what is wrong with an address: HOST_LISTEN_FAILED', async () => {
    await expect(openListener({ host: '192.0.2.1', insecure: true })).rejects.toMatchObject({
      code: 'HOST_LISTEN_FAILED',
      message: 'cannot listen on 192.0.2.1:0: this machine has no such address',
    })
  })

  it.each(['0.0.0.0', '::', '10.1.2.3', 'example.com', '127.0.0.1.example.com'])(
    'refuses to listen on %s while nothing authenticates the peers',
    async (host) => {
      await expect(openListener({ host })).rejects.toMatchObject({ code: 'HOST_EXPOSED' })
    },
  )

  it('listens anywhere where the services authenticate, or where the operator says so', async () => {
    for (const permission of [{ authenticated: true }, { insecure: true }]) {
      const listener = await openListener({ host: '0.0.0.0', ...permission })
      await rawPeer({ host: '127.0.0.1', port: listener.address.port })
    }
  })

  it.each([
    [{ port: -1 }, 'listener: port is -1; allowed: a whole number from 0 to 65535'],
    [{ port: undefined as never }, 'listener: port is null'],
    [{ port: '80' as never }, 'port is "80"'],
    [{ host: '' }, 'host is ""'],
    [{ services: [] }, 'services is an array; allowed: at least one service'],
    [{ maxConnections: 0 }, 'maxConnections is 0'],
    [{ maxConnectionsPerPeer: 0 }, 'maxConnectionsPerPeer is 0'],
    [{ insecure: 'yes' as never }, 'insecure is "yes"'],
    [{ prot: 1 } as object, 'there is no option "prot"; options: host, port,'],
  ])('checks its options at the door: %j', async (options, message) => {
    await expect(openListener(options)).rejects.toThrow(message)
  })

  it('counts sockets by how they ended', async () => {
    const listener = await openListener()
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('x'))
    await peer.until(5)
    expect(listener.statistics).toMatchObject({ accepted: 1, open: 1 })
    expect(listener.connections.size).toBe(1)
    peer.socket.end()
    await untilEnded(listener, 'HOST_CONNECTION_LOST')
    expect(listener.statistics).toMatchObject({ accepted: 1, open: 0 })
    expect(listener.connections.size).toBe(0)
  })
})

describe('the bounds of a listener', () => {
  it('close at once what is above maxConnections, and take new ones when old ones left', async () => {
    const listener = await openListener({ maxConnections: 3, maxConnectionsPerPeer: 3 })
    const peers = await Promise.all([1, 2, 3].map(() => rawPeer(listener.address)))
    await vi.waitFor(() => expect(listener.statistics.open).toBe(3), WAITING)
    const refused = await rawPeer(listener.address)
    await refused.closed
    expect(listener.statistics.ended.get('HOST_TOO_MANY_CONNECTIONS')).toBe(1)
    peers[0]!.socket.end()
    await untilEnded(listener, 'HOST_CONNECTION_LOST')
    const taken = await rawPeer(listener.address)
    taken.send(frameOf('x'))
    await taken.until(5)
  })

  it('hold for all peers together', async () => {
    const listener = await openListener({ maxConnections: 2, maxConnectionsPerPeer: 100 })
    await Promise.all([1, 2, 3].map(() => rawPeer(listener.address)))
    await untilEnded(listener, 'HOST_TOO_MANY_CONNECTIONS')
    expect(listener.statistics.open).toBe(2)
  })

  it('keep one peer from shutting out the others', async () => {
    const listener = await openListener({ host: '0.0.0.0', insecure: true, maxConnections: 8 })
    const { port } = listener.address
    const flood = await Promise.all([1, 2, 3, 4].map(() => rawPeer({ host: '127.0.0.1', port })))
    await untilEnded(listener, 'HOST_TOO_MANY_CONNECTIONS', 2)
    expect(flood).toHaveLength(4)
    expect(listener.statistics.open).toBe(2)
    const other = await rawPeer({ host: '127.0.0.1', port }, { localAddress: '127.0.0.2' })
    other.send(frameOf('x'))
    await other.until(5)
  })

  it('count a peer that says nothing while its protocol is unknown', async () => {
    const listener = await openListener({
      services: [lineService('A'), lineService('B')],
      maxConnections: 1,
      connection: { handshakeTimeoutMs: 60 },
    })
    const mute = await rawPeer(listener.address)
    await vi.waitFor(() => expect(listener.statistics.open).toBe(1), WAITING)
    const refused = await rawPeer(listener.address)
    await refused.closed
    await mute.closed
    expect(Object.fromEntries(listener.statistics.ended)).toEqual({
      HOST_TOO_MANY_CONNECTIONS: 1,
      HOST_HANDSHAKE_TIMEOUT: 1,
    })
  })
})

describe('a port of several services', () => {
  it('gives each connection to the service that recognises it, with all its bytes, however they arrive', async () => {
    const listener = await openListener({ services: [lineService('AAAA'), lineService('AABB')] })
    for (const name of ['AAAA', 'AABB']) {
      const atOnce = await rawPeer(listener.address)
      atOnce.send(`${name}hello\n`)
      expect((await atOnce.until(11)).toString()).toBe(`${name}:hello\n`)
      const byByte = await rawPeer(listener.address)
      for (const char of `${name}hello\n`) {
        byByte.send(char)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect((await byByte.until(11)).toString()).toBe(`${name}:hello\n`)
    }
  })

  it('closes what no service recognises: HOST_UNKNOWN_PROTOCOL', async () => {
    const listener = await openListener({ services: [lineService('AAAA'), lineService('AABB')] })
    const peer = await rawPeer(listener.address)
    peer.send('GET / HTTP/1.1\r\n')
    await peer.closed
    expect(listener.statistics.ended.get('HOST_UNKNOWN_PROTOCOL')).toBe(1)
  })

  it('closes what no service can decide on within 64 bytes', async () => {
    const undecided = { ...lineService('A'), recognises: () => undefined }
    const listener = await openListener({ services: [undecided, undecided] })
    const peer = await rawPeer(listener.address)
    peer.send('x'.repeat(65))
    await peer.closed
    expect(listener.statistics.ended.get('HOST_UNKNOWN_PROTOCOL')).toBe(1)
  })

  it('survives a service that fails to say', async () => {
    const failing: Service = {
      ...lineService('A'),
      recognises: () => {
        throw new Error('recognises failed')
      },
    }
    const warning = once(process, 'warning')
    const listener = await openListener({ services: [failing, lineService('B')] })
    const peer = await rawPeer(listener.address)
    peer.send('B')
    await peer.closed
    expect(await warning).toMatchObject([{ message: 'recognises failed' }])
    expect(listener.statistics.ended.get('HOST_INTERNAL')).toBe(1)
  })

  it('needs services that recognise their own', async () => {
    const mute = { protocol: echoProtocol, accept: echo }
    await expect(openListener({ services: [lineService('A'), mute] })).rejects.toThrow(
      'each with recognises(); echo has none',
    )
  })
})

describe('closing a listener', () => {
  it('stops accepting, lets handlers finish, and resolves when every handler was told', async () => {
    let drained: Connection | undefined
    const handler = new Recorder()
    const listener = await openListener({}, (connection) => {
      drained = connection
      return Object.assign(handler, { drain: () => handler.frames.push('drain') })
    })
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('x'))
    await handler.until(() => handler.frames.length === 1)
    const closing = listener.close()
    expect(handler.frames).toEqual(['x', 'drain'])
    await expect(rawPeer(listener.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    drained!.writer.bytes(frameOf('result'))
    drained!.end()
    await closing
    expect(handler.reasons.map((reason) => reason.code)).toEqual(['HOST_CONNECTION_CLOSED'])
    expect(peer.received).toEqual(frameOf('result'))
  })

  it('ends connections whose handlers have nothing to drain, after what they wrote', async () => {
    const listener = await openListener()
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('x'))
    await peer.until(5)
    await listener.close()
    expect(await peer.closed).toBe(false)
  })

  it('cuts those who take longer than drainTimeoutMs', async () => {
    const handler = new Recorder()
    const listener = await openListener({}, () => Object.assign(handler, { drain: () => {} }))
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('x'))
    await handler.until(() => handler.frames.length === 1)
    await listener.close({ drainTimeoutMs: 20 })
    expect(handler.reasons.map((reason) => reason.code)).toEqual(['HOST_CONNECTION_CLOSED'])
  })

  it('closes sockets at once that are no connection yet', async () => {
    const listener = await openListener({ services: [lineService('A'), lineService('B')] })
    const peer = await rawPeer(listener.address)
    await vi.waitFor(() => expect(listener.statistics.open).toBe(1), WAITING)
    await listener.close()
    await peer.closed
    expect(listener.statistics.ended.get('HOST_CONNECTION_CLOSED')).toBe(1)
  })

  it('twice is closing once', async () => {
    const listener = await openListener()
    await Promise.all([listener.close(), listener.close(), listener[Symbol.asyncDispose]()])
    await expect(async () => listener.close({ drainTimeoutMs: -1 })).rejects.toThrow('drainTimeoutMs is -1')
  })

  it('gives the port back', async () => {
    const listener = await openListener()
    await listener.close()
    const next = createServer().listen(listener.address.port, '127.0.0.1')
    onTestFinished(() => void next.close())
    await once(next, 'listening')
  })

  it('goes on when a handler fails to drain', async () => {
    const warning = once(process, 'warning')
    const handler = Object.assign(new Recorder(), {
      drain: () => {
        throw new Error('drain failed')
      },
    })
    const listener = await openListener({}, () => handler)
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('x'))
    await handler.until(() => handler.frames.length === 1)
    await listener.close({ drainTimeoutMs: 1 })
    expect(await warning).toMatchObject([{ message: 'drain failed' }])
  })
})

/** Lines that begin with a name; answers `name:rest`. */
function lineService(name: string): Service {
  const lineLength = (bytes: Uint8Array, start: number, end: number): number =>
    bytes.subarray(start, end).indexOf(10) + 1
  return {
    protocol: { name, frameLength: lineLength },
    recognises(bytes) {
      const seen = Buffer.from(bytes).toString().slice(0, name.length)
      return seen.length < name.length && name.startsWith(seen) ? undefined : seen === name
    },
    accept: (connection) => ({
      frame(bytes, start, end) {
        const line = Buffer.from(bytes.subarray(start, end)).toString()
        connection.writer.utf8(`${name}:${line.slice(name.length)}`)
      },
      closed: () => {},
    }),
  }
}
