import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ConnectionOptions, Listener, ListenerOptions } from '../../src/host/index.ts'
import { MemoryBudget } from '../../src/host/index.ts'
import { RawPeer, rawPeer, untilEnded, WAITING } from './support.ts'

/** What the suite has to know of a protocol to attack a server of it. */
export interface HostileFacts {
  readonly name: string
  /** Starts a server, with these limits for its listener, that the end of the test closes. */
  listen(limits: AttackedOptions): Promise<ServerUnderAttack>
  /** What an honest client sends first; the server answers something, and then reads on. */
  readonly handshake: Uint8Array
  /** Sent after the handshake, once or often, this is answered with `replyBytes` bytes. */
  readonly frame: Uint8Array
  readonly replyBytes: number
  /** The first bytes of a frame that says it is `bytes` long, all included. */
  head(bytes: number): Uint8Array
  /** A head whose length no frame can have. */
  readonly nonsense: Uint8Array
  /** The codes with which the server closes a peer that announces 100 MB, and one that sends `nonsense`. */
  readonly codes: { readonly huge: string; readonly nonsense: string }
}

export type AttackedOptions = Omit<ListenerOptions, 'port' | 'services'>

export interface ServerUnderAttack {
  readonly listener: Listener
  /** A client that keeps to the protocol and stays connected; the end of the test closes it. */
  honest(): Promise<HonestClient>
}

export interface HonestClient {
  /** Asks something of the server and checks the answer. */
  roundTrip(): Promise<void>
}

/** What an attack is carried out with. */
interface Field {
  readonly listener: Listener
  readonly receiveBudget: MemoryBudget
  /** A bare socket; `attacker` also has the handshake behind it. */
  stranger(options?: { allowHalfOpen?: boolean }): Promise<RawPeer>
  attacker(options?: { allowHalfOpen?: boolean }): Promise<RawPeer>
}

const KIB = 1024
const FRAME_BYTES_MAX = 64 * KIB
const LIMITS: ConnectionOptions = { maxFrameBytes: FRAME_BYTES_MAX, pauseReadingBytes: 64 * KIB }

/**
 * What a peer that means harm can do to any server of fenbu: get itself disconnected, with the right code. While it
 * tries, and afterwards, an honest client is served; in the end no memory is held for whoever is gone, and nothing
 * failed inside the server.
 */
export function hostilePeers(facts: HostileFacts): void {
  const { name, handshake, frame, replyBytes, head, nonsense, codes } = facts
  const attack = (limits: AttackedOptions, run: (field: Field) => Promise<void>): Promise<void> =>
    carryOut(facts, limits, run)

  describe(`${name}: a hostile peer that lies about lengths`, () => {
    it('is closed at the head of a frame of 100 MB, each of ten, before anything of it is held', () =>
      attack({}, async ({ listener, attacker, receiveBudget }) => {
        for (let i = 0; i < 10; i++) {
          const peer = await attacker()
          peer.send(Buffer.concat([head(100_000_000), Buffer.alloc(KIB)]))
        }
        await untilEnded(listener, codes.huge, 10)
        expect(receiveBudget.heldBytes).toBeLessThan(KIB)
      }))

    it('is closed for a byte above the limit, and not for the limit itself', () =>
      attack({}, async ({ listener, attacker }) => {
        const keeping = await attacker()
        keeping.send(head(FRAME_BYTES_MAX))
        const exceeding = await attacker()
        exceeding.send(head(FRAME_BYTES_MAX + 1))
        await untilEnded(listener, 'HOST_FRAME_TOO_LARGE')
        expect(keeping.socket.closed).toBe(false)
      }))

    it('is closed for a length that no frame can have', () =>
      attack({}, async ({ listener, attacker }) => {
        const peer = await attacker()
        peer.send(nonsense)
        await untilEnded(listener, codes.nonsense)
      }))
  })

  describe(`${name}: a hostile peer that stalls`, () => {
    it('inside a frame is closed when the time for it is over', () =>
      attack({ connection: { partialFrameTimeoutMs: 100 } }, async ({ listener, attacker }) => {
        const peer = await attacker()
        peer.send(head(KIB))
        await untilEnded(listener, 'HOST_FRAME_STALLED')
        await peer.closed
      }))

    it('before or inside the handshake is closed when the time for it is over', () =>
      // Honest clients need time for theirs.
      attack({ connection: { handshakeTimeoutMs: 1_000 } }, async ({ listener, stranger }) => {
        const mute = await stranger()
        const halfway = await stranger()
        halfway.send(handshake.subarray(0, handshake.length - 1))
        await untilEnded(listener, 'HOST_HANDSHAKE_TIMEOUT', 2)
        await Promise.all([mute.closed, halfway.closed])
      }))

    it('together with nine others cannot make the process hold more than its budget: the oldest go first', () =>
      attack({}, async ({ listener, attacker, receiveBudget }) => {
        const mostOfAFrame = Buffer.concat([head(FRAME_BYTES_MAX), Buffer.alloc(60 * KIB)])
        const room = Math.floor(receiveBudget.maxBytes / mostOfAFrame.length)
        for (let sent = 1; sent <= 10; sent++) {
          const peer = await attacker()
          peer.send(mostOfAFrame)
          if (sent > room) await untilEnded(listener, 'HOST_OVER_BUDGET', sent - room)
          else
            await vi.waitFor(() => expect(receiveBudget.heldBytes).toBeGreaterThan(sent * 60 * KIB), WAITING)
        }
        expect(receiveBudget.heldBytes).toBeLessThanOrEqual(receiveBudget.maxBytes)
      }))

    it('while it reads nothing is closed, and its requests are not answered into memory meanwhile', () =>
      attack({ connection: { unsentTimeoutMs: 100 } }, async ({ listener, attacker }) => {
        const peer = await attacker()
        peer.socket.pause()
        const burst = Buffer.concat(Array.from({ length: 4_000 }, () => frame))
        while (!listener.statistics.ended.has('HOST_SLOW_READER')) {
          if (peer.socket.writableLength === 0) peer.send(burst)
          await new Promise((resolve) => setImmediate(resolve))
          for (const { unsentBytes } of listener.connections)
            expect(unsentBytes).toBeLessThan(64 * KIB + 64 * KIB + replyBytes)
        }
      }))
  })

  describe(`${name}: a peer of a strange kind`, () => {
    it('that sends byte by byte is served', () =>
      attack({}, async ({ stranger }) => {
        const peer = await stranger()
        for (const bytes of [handshake, frame]) {
          const before = peer.receivedBytes
          for (const byte of bytes) {
            peer.send(Buffer.of(byte))
            await new Promise((resolve) => setImmediate(resolve))
          }
          await peer.until(before + 1)
        }
      }))

    it('that sends thousands of frames in one segment is served, and the others between them', () =>
      attack({}, async ({ attacker }) => {
        const peer = await attacker()
        const before = peer.receivedBytes
        peer.send(Buffer.concat(Array.from({ length: 5_000 }, () => frame)))
        await peer.until(before + 5_000 * replyBytes)
      }))

    it('that ends its side with a request gets the reply', () =>
      attack({}, async ({ listener, attacker }) => {
        const peer = await attacker({ allowHalfOpen: true })
        const before = peer.receivedBytes
        peer.socket.end(frame)
        await once(peer.socket, 'end')
        expect(peer.receivedBytes).toBe(before + replyBytes)
        await untilEnded(listener, 'HOST_CONNECTION_LOST')
      }))

    it('that resets its connection, anywhere, leaves nothing behind', () =>
      attack({}, async ({ listener, stranger, attacker }) => {
        for (const make of [stranger, attacker])
          for (const bytes of [Buffer.alloc(0), handshake, head(KIB)]) {
            const peer = await make()
            peer.socket.write(bytes, () => peer.socket.resetAndDestroy())
            await peer.closed
          }
        await vi.waitFor(() => expect(listener.connections.size).toBe(1), WAITING)
      }))

    it('that floods the port with connections shuts out nobody who is connected', () =>
      attack({ maxConnections: 20, maxConnectionsPerPeer: 20 }, async ({ listener, stranger }) => {
        await Promise.all(Array.from({ length: 100 }, () => stranger()))
        await untilEnded(listener, 'HOST_TOO_MANY_CONNECTIONS', 81)
        expect(listener.statistics.open).toBeLessThanOrEqual(20)
      }))
  })

  describe(`${name}: a peer that sends garbage`, () => {
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 300 })
    const sendAndEnd = async (peer: RawPeer, bytes: Uint8Array): Promise<void> => {
      peer.socket.end(bytes)
      await peer.closed
    }

    it('from the start is closed', () =>
      attack({}, async ({ stranger }) => {
        const property = fc.asyncProperty(garbage, async (bytes) => sendAndEnd(await stranger(), bytes))
        await fc.assert(property, { numRuns: 40 })
      }))

    it('after a valid handshake is closed', () =>
      attack({}, async ({ attacker }) => {
        const property = fc.asyncProperty(garbage, async (bytes) => sendAndEnd(await attacker(), bytes))
        await fc.assert(property, { numRuns: 25 })
      }))

    it('that looks like the protocol is closed or served', () =>
      attack({}, async ({ stranger }) => {
        const honest = Buffer.concat([handshake, frame])
        const changes = fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        })
        const property = fc.asyncProperty(changes, fc.nat(honest.length), async (edits, length) => {
          const bytes = Buffer.from(honest)
          for (const [at, value] of edits) bytes[at] = value
          await sendAndEnd(await stranger(), bytes.subarray(0, length + 1))
        })
        await fc.assert(property, { numRuns: 40 })
      }))

    it('of TLS on a plain port is closed', () =>
      attack({}, async ({ listener }) => {
        const socket = connectTls({ ...listener.address, rejectUnauthorized: false })
        onTestFinished(() => void socket.destroy())
        await expect(once(socket, 'secureConnect')).rejects.toThrow()
        await untilEnded(listener, codes.huge)
      }))

    it('of plain text on a TLS port is closed, and whoever speaks TLS is served', async () => {
      const tls = { cert: pem('server.crt'), key: pem('server.key') }
      const { listener } = await facts.listen({ tls })
      const plain = await rawPeer(listener.address)
      plain.send(handshake)
      await plain.closed
      await untilEnded(listener, 'HOST_TLS_FAILED')
      const socket = connectTls({ ...listener.address, ca: pem('ca.crt') })
      onTestFinished(() => void socket.destroy())
      await once(socket, 'secureConnect')
      const peer = new RawPeer(socket)
      peer.send(handshake)
      await peer.until(1)
    })
  })
}

/** Runs an attack while an honest client is served without a pause, then looks at what it left behind. */
async function carryOut(
  facts: HostileFacts,
  limits: AttackedOptions,
  run: (field: Field) => Promise<void>,
): Promise<void> {
  const receiveBudget = new MemoryBudget(4 * FRAME_BYTES_MAX)
  const sendBudget = new MemoryBudget(16 * 1024 * KIB)
  const connection = { ...LIMITS, receiveBudget, sendBudget, ...limits.connection }
  const server = await facts.listen({ ...limits, connection })
  const { listener } = server
  const honest = await server.honest()
  const peers: RawPeer[] = []
  const stranger: Field['stranger'] = async (options) => {
    const peer = await rawPeer(listener.address, options)
    peers.push(peer)
    return peer
  }
  const attacker: Field['attacker'] = async (options) => {
    const peer = await stranger(options)
    peer.send(facts.handshake)
    await peer.until(1)
    return peer
  }
  let over = false
  const attacking = run({ listener, receiveBudget, stranger, attacker }).finally(() => {
    over = true
  })
  const served = (async () => {
    while (!over) {
      await honest.roundTrip()
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  await Promise.all([attacking, served])
  await honest.roundTrip()
  for (const peer of peers) peer.socket.destroy()
  await vi.waitFor(() => expect(listener.connections.size).toBe(1), WAITING)
  const newcomer = await server.honest()
  await newcomer.roundTrip()
  await vi.waitFor(() => expect(receiveBudget.heldBytes + sendBudget.heldBytes).toBe(0), WAITING)
  expect(listener.statistics.ended.get('HOST_INTERNAL')).toBeUndefined()
}

function pem(name: string): Buffer {
  return readFileSync(new URL(`certificates/${name}`, import.meta.url))
}
