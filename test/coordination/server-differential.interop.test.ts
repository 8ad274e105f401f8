import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type AnyOperation,
  type JuteType,
  operations as op,
  RESERVED_XID,
} from '../../src/coordination/core/index.ts'
import { startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { startEmbedded } from './embedded-engine.ts'
import { described, type Random, randomFrom, randomRequest, shown } from './random-requests.ts'
import { frameOf, type Hello, RawClient } from './raw-client.ts'

const SEED = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const ACTIONS = Number(process.env['FENBU_ACTIONS'] ?? 400)
const SLOTS = 4
const BATCH_MAX = 12
/** An operation that no server has. */
const NO_OPERATION = 4_242

type Request = { readonly operation: AnyOperation; readonly request: unknown }

/** What all connections of a server are made to do; both servers get the same. */
type Action =
  | { readonly type: 'open'; readonly slot: number; readonly hello: Hello }
  | { readonly type: 'resume'; readonly slot: number; readonly paths: readonly string[] }
  | {
      readonly type: 'batch'
      readonly slot: number
      readonly requests: readonly Request[]
      readonly end?: number
    }
  | { readonly type: 'stranger'; readonly hello: Hello }

interface Slot {
  client: RawClient
  readonly sessionId: bigint
  readonly password: Uint8Array
  lastZxid: bigint
}

/** One server under test, and what it was seen to send. */
class Side {
  readonly #port: number
  /** What its zxids count from. */
  readonly #zxidBase: bigint
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined)
  readonly #owners = new Map<bigint, bigint>()

  constructor(port: number, zxidBase: bigint) {
    this.#port = port
    this.#zxidBase = zxidBase
  }

  isOpen(slot: number): boolean {
    return this.#slots[slot] !== undefined
  }

  /** Does it, and returns every packet that any connection got because of it, connection by connection. */
  async act(action: Action): Promise<unknown> {
    const answers = await this.#answers(action)
    const seen: unknown[] = []
    for (const [index, slot] of this.#slots.entries()) {
      if (slot === undefined) continue
      const own = 'slot' in action && action.slot === index && action.type !== 'open'
      seen.push(own ? answers : await this.#until(slot, [], this.#sendPing(slot)))
    }
    return rebased({ answers, seen }, this.#zxidBase)
  }

  end(): void {
    for (const slot of this.#slots) slot?.client.end()
  }

  #answers(action: Action): Promise<unknown> {
    switch (action.type) {
      case 'open':
        return this.#open(action.slot, action.hello)
      case 'resume':
        return this.#resume(action.slot, action.paths)
      case 'batch':
        return this.#batch(action.slot, action.requests, action.end)
      case 'stranger':
        return this.#stranger(action.hello)
    }
  }

  async #open(index: number, hello: Hello): Promise<unknown> {
    const { client, answer } = await RawClient.join(this.#port, hello)
    this.#owners.set(answer.sessionId, BigInt(this.#owners.size + 1))
    this.#slots[index] = {
      client,
      sessionId: answer.sessionId,
      password: answer.password!,
      lastZxid: this.#zxidBase,
    }
    return { timeoutMs: answer.timeoutMs, readOnly: answer.readOnly }
  }

  /** The connection breaks, another takes the session over and sets its watches again. */
  async #resume(index: number, paths: readonly string[]): Promise<unknown> {
    const slot = this.#slots[index]!
    slot.client.end()
    const { sessionId, password, lastZxid } = slot
    const hello = { sessionId, password, timeoutMs: 30_000, lastZxidSeen: lastZxid }
    const { client, answer } = await RawClient.join(this.#port, hello)
    slot.client = client
    const request = { relativeZxid: lastZxid, data: paths, exist: paths, children: paths }
    const same = answer.sessionId === sessionId
    client.send(RESERVED_XID.SET_WATCHES, op.setWatches, request)
    return {
      same,
      packets: await this.#until(slot, [{ operation: op.setWatches, request }], this.#sendPing(slot)),
    }
  }

  /** All requests in one write, as a busy client sends them; `end` is a last one after which the server closes. */
  async #batch(index: number, requests: readonly Request[], end: number | undefined): Promise<unknown> {
    const slot = this.#slots[index]!
    const frames = requests.map(({ operation, request }, xid) =>
      frameOf((writer) => {
        writer.int32(xid)
        writer.int32(operation.code)
        ;(operation.request as JuteType<unknown>).write(writer, this.#ownZxids(operation, request))
      }),
    )
    if (end !== undefined)
      frames.push(
        frameOf((writer) => {
          writer.int32(requests.length)
          writer.int32(end)
        }),
      )
    slot.client.write(Buffer.concat(frames))
    const closes = end === undefined ? this.#sendPing(slot) : false
    const packets = await this.#until(slot, requests, closes)
    if (end === op.closeSession.code) this.#slots[index] = undefined
    return end === NO_OPERATION ? { packets, resumed: await this.#resume(index, []) } : packets
  }

  async #stranger(hello: Hello): Promise<unknown> {
    const client = await RawClient.open(this.#port)
    const { lastZxidSeen } = hello
    client.hello({ ...hello, ...(lastZxidSeen && { lastZxidSeen: lastZxidSeen + this.#zxidBase }) })
    return Buffer.from(await client.rest()).toString('hex')
  }

  #ownZxids(operation: AnyOperation, request: unknown): unknown {
    if (operation !== op.setWatches) return request
    const { relativeZxid, ...rest } = request as { relativeZxid: bigint }
    return { relativeZxid: relativeZxid + this.#zxidBase, ...rest }
  }

  #sendPing(slot: Slot): true {
    slot.client.sendBody(RESERVED_XID.PING, op.ping.code)
    return true
  }

  /** Packets up to the ping's answer, or up to the end of the connection. */
  async #until(slot: Slot, requests: readonly Request[], toPing: boolean): Promise<unknown[]> {
    const packets: unknown[] = []
    for (;;) {
      const packet = await slot.client.nextFrame().catch(() => undefined)
      if (packet === undefined) return [...packets, toPing ? 'closed without an answer' : 'closed']
      const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
      const xid = view.getInt32(0)
      const zxid = view.getBigInt64(4)
      if (zxid > slot.lastZxid) slot.lastZxid = zxid
      if (toPing && xid === RESERVED_XID.PING) return packets
      // What is not one of the requests is a setWatches or the end, and has no body.
      const operation = requests[xid]?.operation ?? NO_BODY
      packets.push(described(packet, operation, this.#owners))
    }
  }
}

const NO_BODY: AnyOperation = op.ping

/** Zxids as counted from the server's own beginning. */
function rebased(value: unknown, base: bigint): unknown {
  if (typeof value === 'bigint') return value > base ? value - base : value
  if (Array.isArray(value)) return value.map((item) => rebased(item, base))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rebased(item, base)]))
}

function same(value: unknown): unknown {
  return value
}

/** The ephemeral nodes of a session that ends go in no particular order, and so do their events. */
function anyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(anyOrder(item))).sort()
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, anyOrder(item)]))
}

function randomAction(random: Random, side: Side): Action {
  const slot = random(SLOTS)
  if (!side.isOpen(slot)) return { type: 'open', slot, hello: randomHello(random) }
  const kind = random(12)
  if (kind === 0) return { type: 'resume', slot, paths: ['/a', '/b', '/a/x', '/none'].slice(random(4)) }
  if (kind === 1)
    return {
      type: 'stranger',
      hello: random(2) === 0 ? { sessionId: BigInt(1 + random(1_000)) } : { lastZxidSeen: 1_000_000n },
    }
  const requests = upToAcl(Array.from({ length: 1 + random(BATCH_MAX) }, () => randomRequest(random)))
  if (kind > 2) return { type: 'batch', slot, requests }
  if (random(2) === 0) return { type: 'batch', slot, requests, end: op.closeSession.code }
  // ZooKeeper answers an unknown operation when it arrives, before or after the requests in front of it.
  return { type: 'batch', slot, requests: [], end: NO_OPERATION }
}

/** ZooKeeper checks what is pipelined behind a setACL against the ACL as it was before; here the new one holds. */
function upToAcl(requests: readonly Request[]): readonly Request[] {
  const acl = requests.findIndex(({ operation }) => operation === op.setAcl)
  return acl === -1 ? requests : requests.slice(0, acl + 1)
}

function randomHello(random: Random): Hello {
  return { timeoutMs: [1, 10_000, 30_000, 1_000_000][random(4)]!, readOnly: [false, null][random(2)]! }
}

const sides: Side[] = []
const engines: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  const real = await startRealZooKeeper()
  engines.push(real)
  const ours = await startEmbedded()
  engines.push(ours)
  // The first reign of a server counts in the second epoch, ZooKeeper alone in the zeroth.
  sides.push(new Side(real.port, 0n), new Side(ours.port, 1n << 32n))
}, 60_000)

afterAll(async () => {
  for (const side of sides) side.end()
  await Promise.all(engines.map((engine) => engine.stop()))
})

it(`serves connections that pipeline, break and come back as ZooKeeper does (FENBU_SEED=${SEED}, FENBU_ACTIONS=${ACTIONS})`, async () => {
  const random = randomFrom(SEED)
  const [real, ours] = sides as [Side, Side]
  const history: string[] = []
  for (let count = 0; count < ACTIONS; count++) {
    const action = randomAction(random, real)
    history.push(`${count} ${shown(action)}`)
    const inOrder = action.type === 'batch' && action.end === op.closeSession.code ? anyOrder : same
    const expected = inOrder(await real.act(action))
    const seen = inOrder(await ours.act(action))
    expect(seen, `seed ${SEED}, after:\n${history.slice(-6).join('\n')}\n`).toEqual(expected)
  }
}, 300_000)
