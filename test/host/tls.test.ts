import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, vi } from 'vitest'
import type { TlsOptions } from '../../src/host/index.ts'
import { echoProtocol, frameOf } from './echo.ts'
import { openClient, openListener, Recorder, rawPeer, untilEnded, WAITING } from './support.ts'

const pem = (name: string): string => readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8')

const CA = pem('ca.crt')
const SERVER: TlsOptions = { cert: pem('server.crt'), key: pem('server.key') }
const MUTUAL: TlsOptions = { ...SERVER, ca: CA, requireClientCertificate: true }
const CLIENT: TlsOptions = { cert: pem('client.crt'), key: pem('client.key'), ca: CA }
const STRANGER: TlsOptions = { cert: pem('stranger.crt'), key: pem('stranger.key'), ca: CA }

describe('TLS', () => {
  it.each(['127.0.0.1', '::1', 'localhost'])('carries frames of any size both ways (%s)', async (host) => {
    const listener = await openListener({ tls: SERVER, host })
    const handler = new Recorder()
    const client = await openClient(listener.address, handler, { tls: { ca: CA } })
    const bodies = ['small', 'x'.repeat(1_000_000), '', 'last']
    for (const body of bodies) client.writer.bytes(frameOf(body))
    await handler.until(() => handler.frames.length === bodies.length)
    expect(handler.frames).toEqual(bodies)
    client.end()
    expect((await handler.end()).code).toBe('HOST_CONNECTION_CLOSED')
  })

  it('takes keys as bytes too', async () => {
    const bytes = (text: unknown): Uint8Array => new TextEncoder().encode(String(text))
    const listener = await openListener({ tls: { cert: bytes(SERVER.cert), key: bytes(SERVER.key) } })
    await openClient(listener.address, new Recorder(), { tls: { ca: bytes(CA) } })
  })

  it('recognises protocols behind it', async () => {
    const service = (yes: boolean) => ({
      protocol: { name: 'any', frameLength: (_: Uint8Array, start: number, end: number) => end - start },
      recognises: () => yes,
      accept: () => ({ frame: () => {}, closed: () => {} }),
    })
    const listener = await openListener({ tls: SERVER, services: [service(false), service(false)] })
    const handler = new Recorder()
    const client = await openClient(listener.address, handler, { tls: { ca: CA } })
    client.writer.utf8('hello')
    await handler.end()
    expect(listener.statistics.ended.get('HOST_UNKNOWN_PROTOCOL')).toBe(1)
  })

  it('survives a peer that leaves before it has said what it speaks, with or without a farewell', async () => {
    const asked = vi.fn(() => undefined)
    const undecided = {
      protocol: echoProtocol,
      recognises: asked,
      accept: () => ({ frame: () => {}, closed: () => {} }),
    }
    const listener = await openListener({ tls: SERVER, services: [undecided, undecided] })
    for (const farewell of [true, false]) {
      const { socket } = await rawPeer(listener.address)
      const secured = connectTls({ socket, host: '127.0.0.1', ca: CA }).on('error', () => {})
      secured.write('x')
      await vi.waitFor(() => expect(asked).toHaveBeenCalled(), WAITING)
      asked.mockClear()
      if (farewell) secured.end()
      else socket.resetAndDestroy()
    }
    await untilEnded(listener, 'HOST_CONNECTION_LOST', 2)
  })

  it('sends the replies to a peer that ended its side, and the last word of this side', async () => {
    const handler = new Recorder()
    const listener = await openListener({ tls: SERVER }, (connection) => ({
      frame: () => {
        connection.writer.bytes(frameOf('bye'))
        connection.end()
      },
      closed: () => {},
    }))
    const client = await openClient(listener.address, handler, { tls: { ca: CA } })
    client.writer.bytes(frameOf('hello'))
    await handler.end()
    expect(handler.frames).toEqual(['bye'])
  })

  it('closes everything, also handshakes that hang', async () => {
    const listener = await openListener({ tls: SERVER })
    const handler = new Recorder()
    await openClient(listener.address, handler, { tls: { ca: CA } })
    const hanging = await rawPeer(listener.address)
    await listener.close()
    await hanging.closed
    await handler.end()
    expect(listener.connections.size).toBe(0)
    expect(listener.statistics.ended.get('HOST_CONNECTION_CLOSED')).toBe(2)
  })

  it('limits the time of a handshake, also of one that dribbles', async () => {
    const listener = await openListener({ tls: SERVER, connection: { handshakeTimeoutMs: 50 } })
    const mute = await rawPeer(listener.address)
    const dribbling = await rawPeer(listener.address)
    const hello = Buffer.concat([Buffer.from('160301020001', 'hex'), Buffer.alloc(500)])
    let at = 0
    const timer = setInterval(() => dribbling.send(hello.subarray(at, ++at)), 2)
    await Promise.all([mute.closed, dribbling.closed])
    clearInterval(timer)
    await untilEnded(listener, 'HOST_HANDSHAKE_TIMEOUT', 2)
  })

  it('closes a peer that speaks plain text, and nobody else: HOST_TLS_FAILED', async () => {
    const listener = await openListener({ tls: SERVER })
    const handler = new Recorder()
    const client = await openClient(listener.address, handler, { tls: { ca: CA } })
    const peer = await rawPeer(listener.address)
    peer.send(frameOf('plain text'))
    await peer.closed
    await untilEnded(listener, 'HOST_TLS_FAILED')
    client.writer.bytes(frameOf('unaffected'))
    await handler.until(() => handler.frames.length === 1)
  })
})

describe('a TLS client', () => {
  it.each([
    ['does not know the authority', {}, /tls\.ca/],
    ['knows another authority', { ca: pem('stranger-ca.crt') }, /tls\.ca/],
    ['wants another name', { ca: CA, serverName: 'example.com' }, /not in the cert.*tls\.serverName/],
  ])('that %s gets HOST_CONNECT_FAILED with what to do', async (_, tls, message) => {
    const listener = await openListener({ tls: SERVER })
    await expect(openClient(listener.address, new Recorder(), { tls })).rejects.toMatchObject({
      code: 'HOST_CONNECT_FAILED',
      message: expect.stringMatching(message),
    })
  })

  it('that dials a port without TLS gets HOST_CONNECT_FAILED, and the port survives it', async () => {
    const listener = await openListener()
    const dialled = openClient(listener.address, new Recorder(), { tls: { ca: CA } })
    await expect(dialled).rejects.toMatchObject({
      code: 'HOST_CONNECT_FAILED',
      message: expect.stringContaining('does it speak TLS'),
    })
    await untilEnded(listener, 'HOST_FRAME_TOO_LARGE')
    await openClient(listener.address, new Recorder())
  })
})

describe('mutual TLS', () => {
  it('lets in whoever has a certificate of the authority, also from beyond this machine', async () => {
    const listener = await openListener({ tls: MUTUAL, host: '0.0.0.0' })
    const handler = new Recorder()
    const address = { host: '127.0.0.1', port: listener.address.port }
    const client = await openClient(address, handler, { tls: CLIENT })
    client.writer.bytes(frameOf('known'))
    await handler.until(() => handler.frames.length === 1)
  })

  it.each([
    ['no certificate', { ca: CA }],
    ['a certificate of another authority', STRANGER],
  ])('keeps out whoever has %s: HOST_TLS_FAILED', async (_, tls) => {
    const listener = await openListener({ tls: MUTUAL })
    const handler = new Recorder()
    // TLS 1.3 lets the client believe in the connection before the server has refused it.
    const client = openClient(listener.address, handler, { tls })
    const code = await client.then(
      async () => (await handler.end()).code,
      (error) => error.code,
    )
    expect(['HOST_CONNECTION_LOST', 'HOST_CONNECT_FAILED']).toContain(code)
    await untilEnded(listener, 'HOST_TLS_FAILED')
    expect(listener.connections.size).toBe(0)
  })
})

describe('TLS options', () => {
  it.each([
    [{ key: SERVER.key }, 'tls: cert is undefined; allowed: PEM; a server needs both'],
    [{ cert: SERVER.cert }, 'tls: key is undefined'],
    [{ ...SERVER, requireClientCertificate: true }, 'tls: ca is undefined'],
    [{ ...SERVER, certificate: 'x' }, 'tls: there is no option "certificate"'],
  ])('of a server are checked at the door', async (tls, message) => {
    await expect(openListener({ tls: tls as TlsOptions })).rejects.toThrow(message)
  })

  it.each([
    ['no PEM', { cert: 'x', key: 'y' }],
    ['a key of another certificate', { cert: SERVER.cert, key: CLIENT.key }],
  ])('with %s are HOST_TLS_INVALID', async (_, tls) => {
    const invalid = { code: 'HOST_TLS_INVALID', message: expect.stringContaining('cannot be used') }
    await expect(openListener({ tls: tls as TlsOptions })).rejects.toMatchObject(invalid)
    const dialled = openClient({ host: '127.0.0.1', port: 1 }, new Recorder(), { tls: tls as TlsOptions })
    await expect(dialled).rejects.toMatchObject(invalid)
  })

  it('of a client name both halves of a pair', async () => {
    const tls = { ca: CA, cert: CLIENT.cert } as TlsOptions
    const dialled = openClient({ host: '127.0.0.1', port: 1 }, new Recorder(), { tls })
    await expect(dialled).rejects.toThrow('tls: key is undefined; allowed: PEM; cert and key go together')
  })
})
