import { describe, expect, it, vi } from 'vitest'
import { MemoryBudget } from '../../src/host/index.ts'
import { frameOf } from './echo.ts'
import { openListener, openPair, Recorder, rawPeer, untilEnded, WAITING } from './support.ts'

const MIB = 1024 * 1024

describe('back-pressure', () => {
  it('stops delivering frames while their replies do not leave, and loses none when they do', async () => {
    const { server, handler, peer } = await openPair({ pauseReadingBytes: 64 * 1024 })
    // Every frame asks for a megabyte, marked with its number.
    handler.frame = (bytes, start) => {
      handler.frames.push('request')
      server.writer.bytes(Buffer.alloc(MIB, bytes[start + 4]!))
    }
    peer.socket.pause()
    const numbers = Array.from({ length: 40 }, (_, i) => i)
    peer.send(Buffer.concat(numbers.map((number) => frameOf(Buffer.of(number)))))
    await vi.waitFor(() => expect(server.choked).toBe(true), WAITING)
    expect(handler.frames.length).toBeLessThan(40)
    expect(server.unsentBytes).toBeLessThan(2 * MIB)
    peer.socket.resume()
    const received = await peer.until(40 * MIB)
    expect(
      numbers.every((number) => isFilled(received.subarray(number * MIB, (number + 1) * MIB), number)),
    ).toBe(true)
  })

  it('tells the handler that it may write again when half of the bound has left', async () => {
    const { server, handler, peer } = await openPair({ pauseReadingBytes: 16 * MIB })
    const unsentThen: number[] = []
    Object.assign(handler, { writable: () => unsentThen.push(server.choked ? -1 : server.unsentBytes) })
    peer.socket.pause()
    while (!server.choked) {
      server.writer.bytes(Buffer.alloc(MIB))
      server.flush()
    }
    expect(unsentThen).toEqual([])
    peer.socket.resume()
    await vi.waitFor(() => expect(unsentThen.length).toBeGreaterThan(0), WAITING)
    expect(unsentThen[0]).toBeLessThanOrEqual(8 * MIB)
  })

  it('keeps what waits as it was written, in order', async () => {
    const { server, peer } = await openPair()
    peer.socket.pause()
    const blocks = Array.from({ length: 200 }, (_, i) => Buffer.alloc(100_000, `block ${i}`))
    for (const [i, block] of blocks.entries()) {
      server.writer.bytes(block)
      server.flush()
      // Every few blocks a turn goes by, and a little more may leave.
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(server.unsentBytes).toBeGreaterThan(0)
    peer.socket.resume()
    const all = Buffer.concat(blocks)
    expect((await peer.until(all.length)).equals(all)).toBe(true)
  })

  it('works with a bound below what the socket buffers by itself', async () => {
    const { server, handler, peer } = await openPair({ pauseReadingBytes: 1 })
    handler.frame = (bytes, start, end) => server.writer.bytes(bytes.subarray(start, end))
    const stream = Buffer.concat(Array.from({ length: 2000 }, (_, i) => frameOf(`${i}`.repeat(100))))
    peer.send(stream)
    expect((await peer.until(stream.length)).equals(stream)).toBe(true)
  })

  it('delivers nothing between pause and resume, and everything then', async () => {
    const { server, handler, peer } = await openPair()
    handler.frame = (bytes, start, end) => {
      Recorder.prototype.frame.call(handler, bytes, start, end)
      if (handler.frames.length === 1) server.pause()
    }
    peer.send(Buffer.concat([frameOf('a'), frameOf('b')]))
    await handler.until(() => handler.frames.length === 1)
    peer.send(frameOf('c'))
    // Another connection's round trip: time enough for the frames to arrive, were they wanted.
    const other = await rawPeer((await openListener()).address)
    other.send(frameOf('round trip'))
    await other.until(14)
    expect(handler.frames).toEqual(['a'])
    server.resume()
    await handler.until(() => handler.frames.length === 3)
    expect(handler.frames).toEqual(['a', 'b', 'c'])
  })

  it('gives the other connections a turn between the frames of a busy one', async () => {
    const order: string[] = []
    const listener = await openListener({}, (connection) => {
      connection.established()
      return {
        frame: (_bytes, start, end) => void order.push(end - start === 4 ? 'busy' : 'other'),
        closed: () => {},
      }
    })
    const busy = await rawPeer(listener.address)
    const other = await rawPeer(listener.address)
    // Sixteen thousand frames of the same segment.
    busy.send(Buffer.alloc(64 * 1024))
    other.send(frameOf('x'))
    await vi.waitFor(() => expect(order.length).toBe(16 * 1024 + 1), WAITING)
    expect(order.indexOf('other')).toBeLessThan(16 * 1024)
  })
})

describe('a slow reader', () => {
  it('is closed as HOST_SLOW_READER when more than maxUnsentBytes wait for it', async () => {
    const { server, handler, peer } = await openPair({ maxUnsentBytes: MIB })
    peer.socket.pause()
    while (!server.closed) {
      server.writer.bytes(Buffer.alloc(256 * 1024))
      server.flush()
    }
    const reason = await handler.end()
    expect(reason).toMatchObject({ code: 'HOST_SLOW_READER', outcome: 'unknown' })
    expect(reason.message).toMatch(/left \d+ bytes unread; maxUnsentBytes is 1048576$/)
  })

  it('is closed when it takes nothing for unsentTimeoutMs, also while the connection is ending', async () => {
    for (const ends of [false, true]) {
      const { server, handler, listener, peer } = await openPair({ unsentTimeoutMs: 40 })
      peer.socket.pause()
      server.established()
      server.writer.bytes(Buffer.alloc(32 * MIB))
      server.flush()
      if (ends) server.end()
      const reason = await handler.end()
      expect(reason.code).toBe('HOST_SLOW_READER')
      expect(reason.message).toContain('took nothing of what it was sent for 40 ms')
      await untilEnded(listener, 'HOST_SLOW_READER')
    }
  })

  it('takes what is sent in pieces, so that a time limit sees it going on', async () => {
    const { server, peer } = await openPair()
    const body = Buffer.alloc(8 * MIB)
    server.writer.bytes(body)
    await peer.until(body.length)
    expect(server.statistics.writes).toBe(32)
  })

  it('is the first to go when all together make the process hold more than its send budget', async () => {
    const sendBudget = new MemoryBudget(24 * MIB)
    const first = await openPair({ sendBudget })
    const second = await openPair({ sendBudget })
    for (const { server, peer } of [first, second]) {
      peer.socket.pause()
      server.writer.bytes(Buffer.alloc(20 * MIB))
      server.flush()
    }
    expect((await first.handler.end()).code).toBe('HOST_OVER_BUDGET')
    expect(second.server.closed).toBe(false)
    expect(sendBudget.heldBytes).toBe(second.server.unsentBytes)
    second.server.destroy()
    await vi.waitFor(() => expect(sendBudget.heldBytes).toBe(0), WAITING)
  })
})

function isFilled(bytes: Uint8Array, value: number): boolean {
  return Buffer.alloc(bytes.length, value).equals(bytes)
}
