import { connect as connectTcp, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../src/bytes/index.ts'
import {
  operations,
  readConnectResponse,
  replyHeader,
  requestHeader,
  writeConnectRequest,
} from '../../src/coordination/core/index.ts'
import { type RealZooKeeper, startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { encoded, type MemoryConnection, MemoryCoordinator } from './memory-coordinator.ts'
import { described, randomFrom, randomPacket } from './random-requests.ts'

const SEED = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const REQUESTS = Number(process.env['FENBU_REQUESTS'] ?? 3_000)

const HISTORY = Number(process.env['FENBU_HISTORY'] ?? 12)
const NO_BYTES = new Uint8Array(0)

let zooKeeper: RealZooKeeper
beforeAll(async () => {
  zooKeeper = await startRealZooKeeper()
})
afterAll(() => zooKeeper.stop())

test(`answers thousands of random requests exactly as ZooKeeper does (FENBU_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED)
  const memory = new MemoryCoordinator()
  const open = async (name: string): Promise<Pair> => {
    const real = await RawConnection.open(zooKeeper.port)
    return { name, real, ours: memory.connect(name) }
  }
  const pairs = [await open('first'), await open('second'), await open('third')]
  const history: string[] = []
  for (let xid = 1; xid <= REQUESTS; xid++) {
    const index = random(pairs.length)
    const pair = pairs[index]!
    const { operation, body, text } = randomPacket(random)
    history.push(`${xid} ${pair.name} ${text}`)
    memory.send(pair.ours, xid, operation.code, body)
    await pair.real.request(xid, operation.code, body)
    for (const each of pairs) {
      // A ping's reply comes after whatever the request caused on the other connections.
      if (each !== pair) await each.real.request(-2, operations.ping.code, NO_BYTES)
      const owners = new Map(pairs.map(({ real, ours }) => [real.sessionId, ours.session.id] as const))
      const theirs = each.real.take().map((packet) => described(packet, operation, owners))
      const ours = each.ours.packets.splice(0).map((packet) => described(packet, operation, new Map()))
      const when = `seed ${SEED}, at ${each.name}, after:\n${history.slice(-HISTORY).join('\n')}\n`
      if (operation === operations.closeSession) sortAsText(ours, theirs)
      expect(ours, when).toEqual(theirs)
    }
    if (operation === operations.closeSession) {
      pair.real.end()
      pairs[index] = await open(pair.name)
    }
  }
  for (const { real } of pairs) real.end()
}, 600_000)

/** The ephemerals of a closed session go in no particular order. */
function sortAsText(...lists: unknown[][]): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))
  for (const list of lists) list.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

interface Pair {
  readonly name: string
  readonly real: RawConnection
  readonly ours: MemoryConnection
}

/** A connection to a real server that sends and shows raw packets. */
class RawConnection {
  readonly #socket: Socket
  #received: Uint8Array = new Uint8Array(0)
  #packets: Uint8Array[] = []
  #arrived: () => void = () => {}
  #error: Error | undefined
  sessionId = 0n

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#split()
      this.#arrived()
    })
    socket.on('close', () => {
      this.#error = new Error('ZooKeeper closed the connection')
      this.#arrived()
    })
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
    const connection = new RawConnection(socket)
    const writer = new ByteWriter()
    writeConnectRequest(writer, {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeoutMs: 40_000,
      sessionId: 0n,
      password: new Uint8Array(16),
      readOnly: false,
    })
    connection.#write(writer.view())
    const packet = await connection.#next()
    connection.sessionId = readConnectResponse(new ByteReader(packet)).sessionId
    return connection
  }

  /** Sends a request and waits for its reply; events before it are kept too. */
  async request(xid: number, code: number, body: Uint8Array): Promise<void> {
    const header = encoded(requestHeader, { xid, type: code })
    this.#write(Buffer.concat([header, body]))
    const kept: Uint8Array[] = []
    for (;;) {
      const packet = await this.#next()
      const isPing = xid === -2 && replyHeader.read(new ByteReader(packet)).xid === -2
      if (!isPing) kept.push(packet)
      if (replyHeader.read(new ByteReader(packet)).xid === xid) break
    }
    this.#packets.unshift(...kept)
  }

  take(): Uint8Array[] {
    return this.#packets.splice(0)
  }

  end(): void {
    this.#socket.destroy()
  }

  #write(packet: Uint8Array): void {
    const length = Buffer.alloc(4)
    length.writeInt32BE(packet.length)
    this.#socket.write(Buffer.concat([length, packet]))
  }

  async #next(): Promise<Uint8Array> {
    while (this.#packets.length === 0) {
      if (this.#error) throw this.#error
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    return this.#packets.shift()!
  }

  #split(): void {
    const bytes = Buffer.from(this.#received)
    let at = 0
    while (bytes.length - at >= 4 && bytes.length - at - 4 >= bytes.readInt32BE(at)) {
      const length = bytes.readInt32BE(at)
      this.#packets.push(bytes.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#received = bytes.subarray(at)
  }
}
