import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Address, ConnectionOptions } from '../../src/host/index.ts'
import { frameOf } from './echo.ts'
import { rawPeer, WAITING } from './support.ts'

const MIB = 1024 * 1024
/** What a collector may leave lying about. */
const NOISE_BYTES = 48 * MIB

/** The memory of a server in a process of its own, as the operating system counts it. */
describe('the memory of a server', { timeout: 60_000 }, () => {
  it('does not follow what ten peers announce: 100 MB each, of which they send 20', async () => {
    const { child, address } = await startServer()
    const before = await report(child)
    const peers = await Promise.all(Array.from({ length: 10 }, () => rawPeer(address)))
    const head = Buffer.alloc(4)
    head.writeInt32BE(100_000_000)
    for (const peer of peers) {
      peer.send(head)
      peer.send(Buffer.alloc(20_000_000))
    }
    await Promise.all(peers.map((peer) => peer.closed))
    await vi.waitFor(async () => {
      expect((await report(child)).ended).toEqual([['HOST_FRAME_TOO_LARGE', 10]])
    }, WAITING)
    expect((await report(child)).rss - before.rss).toBeLessThan(NOISE_BYTES)
  })

  it('follows what unfinished frames have brought, not what they will', async () => {
    const { child, address } = await startServer()
    const before = await report(child)
    const beginning = frameOf(Buffer.alloc(4 * MIB - 4)).subarray(0, MIB / 2)
    const peers = await Promise.all(Array.from({ length: 40 }, () => rawPeer(address)))
    for (const peer of peers) peer.send(beginning)
    await vi.waitFor(async () => expect((await report(child)).heldBytes).toBe(20 * MIB), WAITING)
    expect((await report(child)).rss - before.rss).toBeLessThan(2 * 20 * MIB + NOISE_BYTES)
  })

  it('does not follow the replies that ten peers ask for and do not read', async () => {
    const { child, address } = await startServer()
    const before = await report(child)
    const peers = await Promise.all(Array.from({ length: 10 }, () => rawPeer(address)))
    const requests = Buffer.concat(Array.from({ length: 300 }, () => frameOf(Buffer.alloc(65_536))))
    for (const peer of peers) {
      peer.socket.pause()
      peer.send(requests)
    }
    // It goes on serving, and has taken what it is ready to take.
    const honest = await rawPeer(address)
    for (let i = 1; i <= 50; i++) {
      honest.send(frameOf('x'))
      await honest.until(5 * i)
    }
    const after = await report(child)
    expect(after.rss - before.rss).toBeLessThan(10 * 2 * MIB + NOISE_BYTES)
  })

  it('does not keep the slabs of connections that were busy once', async () => {
    const { child, address } = await startServer({ ...PATIENT, unsentTimeoutMs: 100 })
    const before = await report(child)
    const burst = frameOf(Buffer.alloc(60_000))
    for (let i = 0; i < 100; i++) {
      const peer = await rawPeer(address)
      peer.send(burst)
      await peer.until(burst.length)
    }
    await vi.waitFor(async () => {
      const { arrayBuffers } = await report(child)
      expect(arrayBuffers - before.arrayBuffers).toBeLessThan(MIB)
    }, WAITING)
  })
})

/** Patient, so that a slow machine changes nothing. */
const PATIENT = { handshakeTimeoutMs: 120_000, partialFrameTimeoutMs: 120_000, unsentTimeoutMs: 120_000 }

async function startServer(
  limits: ConnectionOptions = PATIENT,
): Promise<{ child: ChildProcess; address: Address }> {
  const file = new URL('fixtures/echo-server.mjs', import.meta.url).pathname
  const args = ['--expose-gc', file, JSON.stringify(limits)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, address: await nextLine<Address>(child) }
}

interface Report {
  readonly rss: number
  readonly arrayBuffers: number
  readonly heldBytes: number
  readonly ended: readonly (readonly [string, number])[]
}

async function report(child: ChildProcess): Promise<Report> {
  child.kill('SIGUSR2')
  return nextLine<Report>(child)
}

async function nextLine<Value>(child: ChildProcess): Promise<Value> {
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return JSON.parse(line.toString()) as Value
}
