import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Address } from '../../src/host/index.ts'
import { frameOf } from './echo.ts'
import { openPair, rawPeer, untilEnded } from './support.ts'

const QUIET = { idleTimeoutMs: 0, handshakeTimeoutMs: 60_000 }

describe('a time limit', () => {
  it('closes a connection that is not established in time, however busy it is', async () => {
    const { handler, peer } = await openPair({ handshakeTimeoutMs: 40 })
    const dribble = setInterval(() => peer.send(frameOf('x')), 5)
    const reason = await handler.end()
    clearInterval(dribble)
    expect(reason).toMatchObject({ code: 'HOST_HANDSHAKE_TIMEOUT', outcome: 'not-executed' })
    expect(reason.message).toMatch(/^echo connection to 127.0.0.1:\d+: no handshake within 40 ms$/)
  })

  it('of the handshake no longer applies to an established connection', async () => {
    const { server, handler, listener } = await openPair({ handshakeTimeoutMs: 20 })
    server.established()
    // Another one, begun later, runs into the limit; this one does not.
    await rawPeer(listener.address)
    await untilEnded(listener, 'HOST_HANDSHAKE_TIMEOUT')
    expect(handler.reasons).toHaveLength(1)
    expect(server.closed).toBe(false)
  })

  it('closes a connection whose frame is begun and not completed, though bytes of it keep coming', async () => {
    const { handler, peer } = await openPair({ ...QUIET, partialFrameTimeoutMs: 40 })
    peer.send(frameOf('x'.repeat(10_000)).subarray(0, 10))
    const dribble = setInterval(() => peer.send('x'), 5)
    const reason = await handler.end()
    clearInterval(dribble)
    expect(reason.code).toBe('HOST_FRAME_STALLED')
    expect(reason.message).toContain('a frame was begun and not completed within 40 ms')
  })

  it('for a frame begins anew with every frame', async () => {
    const { server, handler, peer } = await openPair({ ...QUIET, partialFrameTimeoutMs: 40 })
    const startedMs = performance.now()
    const frame = frameOf('halves')
    peer.send(frame.subarray(0, 5))
    // Always in the middle of a frame, never long in the same one.
    while (performance.now() - startedMs < 150) {
      const { framesReceived } = server.statistics
      peer.send(Buffer.concat([frame.subarray(5), frame.subarray(0, 5)]))
      await handler.until(() => server.statistics.framesReceived > framesReceived)
    }
    expect(server.closed).toBe(false)
  })

  it('closes a connection on which nothing was received', async () => {
    const { server, handler } = await openPair({ idleTimeoutMs: 40 })
    server.established()
    const reason = await handler.end()
    expect(reason).toMatchObject({ code: 'HOST_IDLE', outcome: 'unknown' })
    expect(reason.message).toContain('nothing received for 40 ms')
  })

  it('of idleness is set anew by the protocol', async () => {
    const { server, handler } = await openPair({ idleTimeoutMs: 0 })
    server.established(30)
    expect((await handler.end()).message).toContain('nothing received for 30 ms')
  })

  it('does not count while this side reads nothing', async () => {
    const { server, handler } = await openPair({ idleTimeoutMs: 30 })
    server.established()
    server.pause()
    // Another one, begun later, with a longer limit, is closed for its silence.
    const other = await openPair({ idleTimeoutMs: 60 })
    other.server.established()
    await other.handler.end()
    expect(handler.reasons).toEqual([])
    server.resume()
    expect((await handler.end()).code).toBe('HOST_IDLE')
  })

  it('leaves no timer behind that keeps the process alive', async () => {
    const child = spawnFixture('leaves-nothing.mjs')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
  })
})

describe('a process that did not run', () => {
  it('reads what came while its event loop was blocked before it judges the peer', async () => {
    const { server, handler, peer } = await openPair({ idleTimeoutMs: 40, partialFrameTimeoutMs: 40 })
    server.established()
    const frame = frameOf('arrived while nobody looked')
    peer.send(frame.subarray(0, 8))
    await rest()
    // The rest is in the kernel's buffer, three limits go by, and then both timers are due before the next read.
    peer.send(frame.subarray(8))
    block(120)
    await handler.until(() => handler.frames.length === 1)
    expect(handler.reasons).toEqual([])
  })

  it('does not take its own absence for the silence of the peer', async () => {
    const { server, handler } = await openPair({ idleTimeoutMs: 200 })
    server.established()
    block(400)
    await rest()
    expect(handler.reasons).toEqual([])
    expect((await handler.end()).code).toBe('HOST_IDLE')
  })

  it('keeps its peers through a SIGSTOP that is longer than every limit', async () => {
    const limits = { idleTimeoutMs: 400, partialFrameTimeoutMs: 400, handshakeTimeoutMs: 400 }
    const child = spawnFixture('echo-server.mjs', JSON.stringify(limits))
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const address = JSON.parse(line.toString()) as Address
    const peer = await rawPeer(address)
    peer.send(frameOf('before'))
    await peer.until(10)
    child.kill('SIGSTOP')
    peer.send(frameOf('meanwhile'))
    const stalling = await rawPeer(address)
    await new Promise((resolve) => setTimeout(resolve, 1200))
    child.kill('SIGCONT')
    await peer.until(23)
    // It judges all the same once it runs: this one never completes its frame.
    stalling.send(frameOf('never completed').subarray(0, 6))
    await stalling.closed
  })
})

/** Nothing else runs in this process. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Timers that are due, one poll, and what follows from them. */
async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setImmediate(resolve))
}

function spawnFixture(name: string, ...args: string[]): ChildProcess {
  const file = new URL(`fixtures/${name}`, import.meta.url).pathname
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
