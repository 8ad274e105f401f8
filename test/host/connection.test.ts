import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FenbuError } from '../../src/base/index.ts'
import { type Connection, type ConnectionHandler, dial, hostError } from '../../src/host/index.ts'
import { echoProtocol, frameOf } from './echo.ts'
import { openClient, openListener, openPair, Recorder, rawPeer, WAITING } from './support.ts'

describe('a connection', () => {
  it('cuts the stream into frames, however it arrives', async () => {
    const { handler, peer } = await openPair()
    const stream = Buffer.concat(['one', '', 'HHKB键盘'].map(frameOf))
    for (const byte of stream) peer.send(Buffer.of(byte))
    await handler.until(() => handler.frames.length === 3)
    expect(handler.frames).toEqual(['one', '', 'HHKB键盘'])
  })

  it('gathers what is written during a turn into one write, also from promises', async () => {
    const { server, peer } = await openPair()
    for (let i = 0; i < 10; i++) server.writer.bytes(frameOf('sync'))
    await Promise.all([1, 2, 3].map(async () => server.writer.bytes(frameOf('later'))))
    await peer.until(10 * 8 + 3 * 9)
    expect(server.statistics.writes).toBe(1)
    expect(server.statistics.bytesSent).toBe(107)
  })

  it('gathers the replies to frames that arrived together, given at once or by promises, into one write', async () => {
    const { server, handler, peer } = await openPair()
    handler.frame = (bytes, start, end) => {
      const reply = bytes.slice(start, end)
      server.writer.bytes(reply)
      void Promise.resolve().then(() => server.writer.bytes(reply))
    }
    const stream = Buffer.concat([frameOf('a'), frameOf('b')])
    peer.send(stream)
    await peer.until(stream.length * 2)
    expect(server.statistics.writes).toBe(1)
  })

  it('sends at once what is flushed, in order', async () => {
    const { server, peer } = await openPair()
    server.writer.bytes(frameOf('first'))
    server.flush()
    server.writer.bytes(frameOf('second'))
    await peer.until(19)
    expect(peer.received).toEqual(Buffer.concat([frameOf('first'), frameOf('second')]))
    expect(server.statistics.writes).toBe(2)
  })

  it('tells its handler when the frames that arrived together were handled', async () => {
    const { handler, peer } = await openPair()
    const events: string[] = []
    handler.frame = () => void events.push('frame')
    const ended = new Promise<void>((resolve) => {
      Object.assign(handler, { batchEnd: () => resolve(void events.push('batchEnd')) })
    })
    peer.send(Buffer.concat([frameOf('a'), frameOf('b')]))
    await ended
    expect(events).toEqual(['frame', 'frame', 'batchEnd'])
  })

  it('counts what it received', async () => {
    const { server, handler, peer } = await openPair()
    peer.send(Buffer.concat([frameOf('a'), frameOf('bc')]))
    await handler.until(() => handler.frames.length === 2)
    expect(server.statistics).toMatchObject({ bytesReceived: 11, framesReceived: 2, bytesSent: 0, writes: 0 })
  })

  it('delivers the bytes that were read to recognise the protocol first', async () => {
    const listener = await openListener()
    const connection = await dial(listener.address, echoProtocol)
    const handler = new Recorder()
    connection.start(handler, Buffer.concat([frameOf('before'), frameOf('partial').subarray(0, 5)]))
    expect(handler.frames).toEqual(['before'])
    connection.destroy()
  })
})

describe('a connection that this side ends', () => {
  it('sends what was written, then closes with HOST_CONNECTION_CLOSED', async () => {
    const { server, handler, peer } = await openPair()
    server.writer.bytes(frameOf('bye'))
    server.end()
    expect(server.closed).toBe(false)
    await peer.until(7)
    expect(await handler.end()).toMatchObject({ code: 'HOST_CONNECTION_CLOSED', outcome: 'not-executed' })
    expect(server.closeReason?.code).toBe('HOST_CONNECTION_CLOSED')
    expect(await peer.closed).toBe(false)
  })

  it('delivers megabytes to a peer that begins to read later', async () => {
    const { server, peer } = await openPair({ maxUnsentBytes: 64 * 1024 * 1024 })
    peer.socket.pause()
    const body = Buffer.alloc(24 * 1024 * 1024, 7)
    server.writer.bytes(body)
    server.end()
    peer.socket.resume()
    expect((await peer.until(body.length)).equals(body)).toBe(true)
    expect(await peer.closed).toBe(false)
  })

  it('drops the frames and the writes that come after', async () => {
    const { server, handler, peer } = await openPair()
    handler.frame = () => {
      handler.frames.push('x')
      server.writer.bytes(frameOf('reply'))
      server.end()
      server.writer.bytes(frameOf('dropped'))
    }
    peer.send(Buffer.concat([frameOf('a'), frameOf('b')]))
    expect((await handler.end()).cause).toBeUndefined()
    expect(await peer.closed).toBe(false)
    expect(handler.frames).toEqual(['x'])
    expect(peer.received).toEqual(frameOf('reply'))
  })

  it('does not wait for ever for a peer that keeps its side open', async () => {
    const listener = await openListener({}, (connection) => {
      connection.established()
      connection.end()
      return { frame: () => {}, closed: () => {} }
    })
    const peer = await rawPeer(listener.address, { allowHalfOpen: true })
    await once(peer.socket, 'end')
    await listener.close()
    expect(listener.statistics.open).toBe(0)
  })

  it('ends in order also while it was not reading from a peer that sends', async () => {
    const { server, handler, peer } = await openPair()
    server.pause()
    peer.send(Buffer.alloc(16 * 1024 * 1024))
    server.end()
    expect((await handler.end()).code).toBe('HOST_CONNECTION_CLOSED')
    expect(await peer.closed).toBe(false)
  })

  it('loses at once what was unsent when it is destroyed, and tells the reason given', async () => {
    const { server, handler } = await openPair()
    server.writer.bytes(frameOf('never'))
    server.destroy(new FenbuError('ECHO_ENOUGH', 'unknown', 'enough'))
    expect(handler.reasons.map((reason) => reason.code)).toEqual(['ECHO_ENOUGH'])
    expect(server.statistics.bytesSent).toBe(0)
  })
})

describe('a connection that the peer ends', () => {
  it('still sends the replies to what arrived before, also those that the peer has not taken yet', async () => {
    const { server, handler, peer } = await openPair()
    const reply = Buffer.alloc(16 * 1024 * 1024, 'reply')
    handler.frame = () => server.writer.bytes(reply)
    peer.socket.pause()
    peer.socket.end(frameOf('last words'))
    await once(peer.socket, 'finish')
    await vi.waitFor(() => expect(server.unsentBytes).toBeGreaterThan(0), WAITING)
    peer.socket.resume()
    await peer.closed
    expect(peer.received.equals(reply)).toBe(true)
  })

  it('is HOST_CONNECTION_LOST with an unknown outcome', async () => {
    const { handler, peer } = await openPair()
    peer.socket.end()
    const reason = await handler.end()
    expect(reason).toMatchObject({ code: 'HOST_CONNECTION_LOST', outcome: 'unknown' })
    expect(reason.message).toMatch(/^echo connection to 127\.0\.0\.1:\d+: closed by the peer$/)
  })

  it('says so when that was inside a frame', async () => {
    const { handler, peer } = await openPair()
    peer.socket.end(frameOf('partial').subarray(0, 6))
    expect((await handler.end()).message).toContain('closed by the peer inside a frame')
  })

  it('is lost with the cause when the peer resets it', async () => {
    const { handler, peer } = await openPair()
    peer.socket.resetAndDestroy()
    const reason = await handler.end()
    expect(reason.code).toBe('HOST_CONNECTION_LOST')
    expect(reason.cause).toMatchObject({ code: 'ECONNRESET' })
  })

  it('delivers all frames before the end, also those that wait for their turn', async () => {
    const { handler, peer } = await openPair()
    const count = 10_000
    peer.socket.end(Buffer.concat(Array.from({ length: count }, (_, i) => frameOf(String(i)))))
    await handler.end()
    expect(handler.frames).toEqual(Array.from({ length: count }, (_, i) => String(i)))
  })
})

describe('closed', () => {
  it('is called exactly once, whatever happens afterwards', async () => {
    const { server, handler, peer } = await openPair()
    server.destroy()
    server.destroy()
    server.end()
    server.drain()
    server.writer.bytes(frameOf('into the void'))
    server.flush()
    await peer.closed
    expect(handler.reasons).toHaveLength(1)
  })

  it('ends all calls of the handler, also in the middle of a chunk', async () => {
    const { server, handler, peer } = await openPair()
    handler.frame = () => {
      handler.frames.push('frame')
      server.destroy()
    }
    const batchEnd = vi.fn()
    Object.assign(handler, { batchEnd })
    peer.send(Buffer.concat([frameOf('a'), frameOf('b')]))
    await handler.end()
    expect(handler.frames).toEqual(['frame'])
    expect(batchEnd).not.toHaveBeenCalled()
  })

  it('reaches a handler that is started after the connection was lost', async () => {
    const listener = await openListener({}, (connection) => {
      connection.destroy()
      return { frame: () => {}, closed: () => {} }
    })
    const connection = await dial(listener.address, echoProtocol)
    connection.destroy(hostError('HOST_CONNECTION_LOST', 'gone before the start'))
    const handler = new Recorder()
    connection.start(handler)
    expect(handler.reasons).toEqual([])
    expect((await handler.end()).message).toBe('gone before the start')
  })
})

describe('a frame that the handler refuses', () => {
  it('gives the handler a last word that reaches the peer, though the peer goes on sending', async () => {
    const handler = new Recorder()
    let server: Connection | undefined
    const refusing: ConnectionHandler = {
      frame: () => {
        throw new FenbuError('ECHO_REFUSED', 'not-executed', 'refused')
      },
      refused: (error) => void server!.writer.bytes(frameOf(error.code)),
      closed: (reason) => handler.closed(reason),
    }
    const listener = await openListener({}, (connection) => {
      server = connection
      return refusing
    })
    const peer = await rawPeer(listener.address)
    // More than is read at once: closing with this unread would reset the connection and destroy the last word.
    peer.send(Buffer.concat([frameOf('bad'), Buffer.alloc(16 * 1024 * 1024)]))
    expect((await handler.end()).code).toBe('ECHO_REFUSED')
    expect(await peer.closed).toBe(false)
    expect(peer.received).toEqual(frameOf('ECHO_REFUSED'))
  })

  it('is told once: ending inside refused changes nothing', async () => {
    const { server, handler, peer } = await openPair()
    handler.frame = () => {
      throw new FenbuError('ECHO_REFUSED', 'not-executed', 'refused')
    }
    Object.assign(handler, { refused: () => server.end() })
    peer.send(frameOf('bad'))
    await peer.closed
    expect(handler.reasons.map((reason) => reason.code)).toEqual(['ECHO_REFUSED'])
  })
})

describe('a handler that fails', () => {
  it('costs this connection only, as HOST_INTERNAL, with a warning', async () => {
    const warning = nextWarning()
    const { handler, peer, listener } = await openPair()
    const bug = new TypeError('a bug of the handler')
    handler.frame = () => {
      throw bug
    }
    peer.send(frameOf('a'))
    const reason = await handler.end()
    expect(reason).toMatchObject({ code: 'HOST_INTERNAL', outcome: 'unknown', cause: bug })
    expect(await warning).toBe(bug)
    await rawPeer(listener.address)
  })

  it('in closed or refused stops nothing', async () => {
    const warning = nextWarning()
    const { server, handler, peer } = await openPair()
    handler.closed = () => {
      throw new Error('closed failed')
    }
    server.destroy()
    await peer.closed
    expect(await warning).toMatchObject({ message: 'closed failed' })
  })

  it('when it accepts costs this connection only', async () => {
    const warning = nextWarning()
    const listener = await openListener({}, () => {
      throw new Error('accept failed')
    })
    const peer = await rawPeer(listener.address)
    await peer.closed
    expect(await warning).toMatchObject({ message: 'accept failed' })
    expect(listener.statistics.ended.get('HOST_INTERNAL')).toBe(1)
  })
})

describe('connection options', () => {
  it.each([
    [{ maxFrameBytes: 63 }, 'connection: maxFrameBytes is 63; allowed: a whole number from 64'],
    [{ handshakeTimeoutMs: 0 }, 'handshakeTimeoutMs is 0'],
    [{ idleTimeoutMs: -1 }, 'idleTimeoutMs is -1'],
    [{ partialFrameTimeoutMs: 1.5 }, 'partialFrameTimeoutMs is 1.5'],
    [{ unsentTimeoutMs: 2 ** 31 }, 'unsentTimeoutMs is 2147483648'],
    [
      { pauseReadingBytes: 100, maxUnsentBytes: 10 },
      'pauseReadingBytes is 100; allowed: a whole number from 1 to 10',
    ],
    [{ receiveBudget: 5 as never }, 'receiveBudget is 5; allowed: a MemoryBudget'],
    [{ maxFramBytes: 1 } as object, 'there is no option "maxFramBytes"'],
  ])('are checked at the door: %j', async (connection, message) => {
    await expect(openListener({ connection })).rejects.toThrow(message)
    await expect(openClient({ host: '127.0.0.1', port: 1 }, new Recorder(), { connection })).rejects.toThrow(
      message,
    )
  })

  it('take maxUnsentBytes as the bound of reading where that is less', async () => {
    await openListener({ connection: { maxUnsentBytes: 10 } })
  })
})

function nextWarning(): Promise<Error> {
  return new Promise((resolve) => {
    const take = (warning: Error): void => resolve(warning)
    process.once('warning', take)
    onTestFinished(() => void process.off('warning', take))
  })
}
