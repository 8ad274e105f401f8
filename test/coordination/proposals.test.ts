import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FenbuError, Timers, World } from '../../src/base/index.ts'
import { ByteWriter } from '../../src/bytes/index.ts'
import type { Entry, ProposalEnd } from '../../src/consensus/index.ts'
import {
  type JuteType,
  OPEN_ACL,
  operations as op,
  writeConnectRequest,
} from '../../src/coordination/core/index.ts'
import { ClientConnection } from '../../src/coordination/server/client-connection.ts'
import { Coordinator } from '../../src/coordination/server/coordinator.ts'
import type { LogAccess } from '../../src/coordination/server/log-access.ts'
import { resolveServerOptions } from '../../src/coordination/server/options.ts'
import type { Connection } from '../../src/host/index.ts'
import { seededRandom } from '../../src/sim/index.ts'
import { frameOf } from './raw-client.ts'

const ENTRY_BYTES_MAX = 2 ** 20 + 64 * 1024
const HALF = 600_000
const SYSTEM_ERROR = -1

type Answer = 'commit' | 'full' | 'reject' | 'unknown' | 'later'

/** A log that does what it is told with each proposal. */
class ScriptedLog implements LogAccess {
  maxEntryBytes: number = ENTRY_BYTES_MAX
  readonly entries: number[] = []
  answers: Answer[] = []
  server!: Coordinator
  #later: (() => void)[] = []

  propose(data: Uint8Array, ended: (end: ProposalEnd) => void): boolean {
    const answer = this.answers.shift() ?? 'commit'
    if (answer === 'full') return false
    if (answer === 'commit') this.#commit(data, ended)
    else if (answer === 'later') this.#later.push(() => this.#commit(data, ended))
    else ended({ type: answer === 'reject' ? 'rejected' : 'unknown', reason: 'told to' })
    return true
  }

  barrier(ready: () => void): void {
    ready()
  }

  commitLater(): void {
    for (const commit of this.#later.splice(0)) commit()
  }

  #commit(data: Uint8Array, ended: (end: ProposalEnd) => void): void {
    // Entries of a log are applied in their order.
    this.commitLater()
    const index = this.entries.push(data.length)
    const entry = { index, epoch: 1, wallMs: 0, leaseMs: 0, data } as Entry
    this.server.machine.apply(entry, this.server)
    ended({ type: 'committed', index } as ProposalEnd)
  }
}

/** A client's end of a connection without a socket. */
class Peer {
  readonly writer = new ByteWriter(1024)
  readonly statistics = { lastReceivedMs: 0 }
  readonly unsentBytes = 0
  readonly choked = false
  readonly remoteAddress = 'peer'
  readonly handler: ClientConnection
  isGone = false
  isPaused = false
  failure: FenbuError | undefined

  constructor(server: Coordinator) {
    server.connectionOpened()
    this.handler = new ClientConnection(this as unknown as Connection, server)
    this.#deliver(
      frameOf((writer) =>
        writeConnectRequest(writer, {
          protocolVersion: 0,
          lastZxidSeen: 0n,
          timeoutMs: 10_000,
          sessionId: 0n,
          password: new Uint8Array(16),
          readOnly: false,
        }),
      ),
    )
  }

  send<Fields>(operation: { code: number; request: JuteType<Fields> }, fields: Fields, xid = 1): void {
    this.#deliver(
      frameOf((writer) => {
        writer.int32(xid)
        writer.int32(operation.code)
        operation.request.write(writer, fields)
      }),
    )
  }

  set(bytes: number, xid = 1): void {
    this.send(op.setData, { path: '/a', data: new Uint8Array(bytes), version: -1 }, xid)
  }

  /** The xids and errors of what was answered since the last call. */
  answers(): [number, number][] {
    const view = Buffer.from(this.writer.copyAndReset())
    const found: [number, number][] = []
    for (let at = 0; at < view.length; at += 4 + view.readInt32BE(at))
      found.push([view.readInt32BE(at + 4), view.readInt32BE(at + 16)])
    return found
  }

  #deliver(frame: Uint8Array): void {
    if (!this.isGone && !this.isPaused) this.handler.frame(frame, 0, frame.length)
  }

  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
  flush(): void {}
  established(): void {}
  end(): void {
    this.destroy()
  }
  destroy(error?: FenbuError): void {
    if (this.isGone) return
    this.isGone = true
    this.failure = error
    this.handler.closed(error!)
  }
}

/** Time that passes when it is told to. */
class ManualTime implements Timers {
  nowMs = 0
  #due: { readonly atMs: number; readonly action: () => void }[] = []

  after(delayMs: number, action: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, action }
    this.#due.push(timer)
    return {
      cancel: () => {
        this.#due = this.#due.filter((other) => other !== timer)
      },
    }
  }

  advance(ms: number): void {
    this.nowMs += ms
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs)
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs)
    for (const { action } of due) action()
  }
}

async function start(count: number) {
  const log = new ScriptedLog()
  const time = new ManualTime()
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs }
  const world = { clock, timers: time, random: seededRandom(1), files: undefined } as unknown as World
  const server = new Coordinator(world, log, resolveServerOptions(), 'test')
  log.server = server
  const peers: Peer[] = []
  for (let i = 0; i < count; i++) peers.push(new Peer(server))
  await turn()
  peers[0]!.send(op.create, { path: '/a', data: new Uint8Array(0), acl: OPEN_ACL, flags: 0 })
  await turn()
  for (const peer of peers) peer.writer.reset()
  log.entries.length = 0
  return { log, server, peers, advance: (ms: number) => time.advance(ms) }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('the proposals of a coordination server', () => {
  it('hold the requests of one turn, and a request that would make one too long starts another', async () => {
    const { log, peers } = await start(2)
    const [small, large] = peers as [Peer, Peer]
    small.set(10, 2)
    large.set(1_048_000, 3)
    small.set(10, 4)
    await turn()
    expect(log.entries).toHaveLength(3)
    expect(Math.max(...log.entries)).toBeLessThan(ENTRY_BYTES_MAX)
    expect([small.answers(), large.answers()]).toEqual([
      [
        [2, 0],
        [4, 0],
      ],
      [[3, 0]],
    ])
  })

  it('end the connection of a request that no entry can hold, and nobody else', async () => {
    const { log, peers } = await start(2)
    const [other, large] = peers as [Peer, Peer]
    log.maxEntryBytes = 1024
    other.set(10, 2)
    large.set(2_000, 3)
    await turn()
    expect(other.answers()).toEqual([[2, 0]])
    expect(large.failure).toMatchObject({ code: 'COORDINATION_PACKET_TOO_LARGE' })
  })

  it('wait, in their order, while the log has no room', async () => {
    const { log, peers, advance } = await start(2)
    const [first, second] = peers as [Peer, Peer]
    log.answers = ['full', 'full', 'commit', 'full']
    first.set(HALF, 2)
    second.set(HALF, 3)
    first.set(HALF, 4)
    await turn()
    expect([first.answers(), second.answers()]).toEqual([[], []])
    for (let i = 0; i < 3; i++) advance(10)
    expect([first.answers(), second.answers()]).toEqual([
      [
        [2, 0],
        [4, 0],
      ],
      [[3, 0]],
    ])
    expect([first.isGone, second.isGone]).toEqual([false, false])
  })

  it('are answered with an error where the log refuses them, and the connections go on', async () => {
    const { log, peers } = await start(2)
    const [first, second] = peers as [Peer, Peer]
    log.answers = ['reject']
    first.set(10, 2)
    second.set(10, 3)
    second.set(10, 4)
    await turn()
    expect(first.answers()).toEqual([[2, SYSTEM_ERROR]])
    expect(second.answers()).toEqual([
      [3, SYSTEM_ERROR],
      [4, SYSTEM_ERROR],
    ])
    first.set(10, 5)
    second.set(10, 6)
    await turn()
    expect([first.answers(), second.answers()]).toEqual([[[5, 0]], [[6, 0]]])
  })

  it('are refused, not kept, beyond what a server may hold back', async () => {
    const { log, server, peers } = await start(60)
    log.answers = Array.from({ length: 1_000 }, () => 'full')
    for (const peer of peers) peer.set(1_000_000, 2)
    await turn()
    const refused = peers.filter((peer) => peer.answers().length > 0)
    expect(refused.length).toBeGreaterThan(20)
    expect(refused.length).toBeLessThan(40)
    expect(peers.some(({ isGone }) => isGone)).toBe(false)
    expect(server.outstanding.count).toBe(60 - refused.length)
  })

  it('of an unknown end close the connections that wait for them', async () => {
    const { log, peers } = await start(2)
    log.answers = ['unknown']
    peers[0]!.set(10)
    await turn()
    expect(peers.map(({ isGone }) => isGone)).toEqual([true, false])
  })

  it('leave nothing counted for a connection that ends while it makes room for its own request', async () => {
    const { log, server, peers } = await start(1)
    log.answers = ['unknown']
    peers[0]!.set(HALF)
    peers[0]!.set(HALF)
    expect(peers[0]!.isGone).toBe(true)
    expect([server.outstanding.count, server.outstanding.bytes]).toEqual([0, 0])
  })

  it('leave nothing counted as outstanding once all connections are closed, whatever became of them', async () => {
    const step = fc.record({
      peer: fc.nat(2),
      what: fc.constantFrom('small', 'large', 'read', 'sync', 'close', 'destroy', 'turn', 'later', 'wait'),
      answer: fc.constantFrom<Answer>('commit', 'full', 'reject', 'unknown', 'later'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { log, server, peers, advance } = await start(3)
        for (const { peer: index, what, answer } of steps) {
          const peer = peers[index]!
          log.answers.push(answer)
          if (what === 'small') peer.set(10)
          else if (what === 'large') peer.set(HALF)
          else if (what === 'read') peer.send(op.exists, { path: '/a', watch: false })
          else if (what === 'sync') peer.send(op.sync, { path: '/a' })
          else if (what === 'close') peer.send(op.closeSession, undefined)
          else if (what === 'destroy') peer.destroy()
          else if (what === 'turn') await turn()
          else if (what === 'later') log.commitLater()
          else advance(10)
          if (peers.every(({ isGone }) => isGone)) expect(server.outstanding.count).toBe(0)
        }
        for (const peer of peers) peer.destroy()
        expect([server.outstanding.count, server.outstanding.bytes]).toEqual([0, 0])
        log.answers = []
        log.commitLater()
        server.stop()
        await turn()
        expect([server.outstanding.count, server.outstanding.bytes]).toEqual([0, 0])
      }),
      { numRuns: 300 },
    )
  })
})
