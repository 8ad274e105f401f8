import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../src/bytes/index.ts'
import {
  ERROR_CODE,
  EVENT_TYPE,
  OPEN_ACL,
  operations,
  readConnectRequest,
  replyHeader,
  watcherEvent,
  writeConnectRequest,
  writeConnectResponse,
  zxidToBigint,
} from '../../src/coordination/core/index.ts'
import { type MemoryConnection, MemoryCoordinator, passwordOf } from './memory-coordinator.ts'

const NO_DATA = new Uint8Array(0)
const create = (path: string, flags = 0) => ({ path, data: NO_DATA, acl: OPEN_ACL, flags })

/** What clients stumble over in servers that imitate ZooKeeper. */
describe('traps of the protocol', () => {
  test('1. a client that sends no readOnly byte is sent none', () => {
    const writer = new ByteWriter()
    const old = {
      protocolVersion: 0,
      timeoutMs: 1,
      sessionId: 0n,
      password: passwordOf(1),
      readOnly: undefined,
    }
    writeConnectRequest(writer, { ...old, lastZxidSeen: 0n })
    const { readOnly } = readConnectRequest(new ByteReader(writer.copyAndReset()))
    writeConnectResponse(writer, { ...old, readOnly })
    expect(writer.length).toBe(36)
  })

  test("2. an event comes before the reply that shows the change, also to one's own write", () => {
    const { coordinator, alice } = setUp('/a')
    coordinator.request(alice, 1, operations.getData, { path: '/a', watch: true })
    coordinator.request(alice, 2, operations.setData, { path: '/a', data: NO_DATA, version: -1 })
    expect(xids(alice)).toEqual([1, -1, 2])
  })

  test('3. a failed multi has error 0 in its header; before the culprit 0, after it -2', () => {
    const { coordinator, alice } = setUp()
    const failing = [
      { operation: operations.create, request: create('/x') },
      { operation: operations.check, request: { path: '/none', version: 0 } },
      { operation: operations.deleteNode, request: { path: '/x', version: -1 } },
    ]
    coordinator.request(alice, 1, operations.multi, failing as never)
    const reader = new ByteReader(alice.packets.pop()!)
    expect(replyHeader.read(reader).error).toBe(ERROR_CODE.OK)
    expect(operations.multi.reply.read(reader).map(({ error }) => error)).toEqual([0, -101, -2])
    expect(coordinator.machine.tree.get('/x')).toBeUndefined()
  })

  test('4. exists sets its watch also where there is no node; getData does not', () => {
    const { coordinator, alice } = setUp()
    coordinator.request(alice, 1, operations.exists, { path: '/later', watch: true })
    coordinator.request(alice, 2, operations.getData, { path: '/never', watch: true })
    alice.packets.length = 0
    coordinator.request(alice, 3, operations.create, create('/later'))
    coordinator.request(alice, 4, operations.create, create('/never'))
    expect(xids(alice)).toEqual([-1, 3, 4])
  })

  test('5. a deletion fires once where both data and children are watched', () => {
    const { coordinator, alice } = setUp('/a')
    coordinator.request(alice, 1, operations.getData, { path: '/a', watch: true })
    coordinator.request(alice, 2, operations.getChildren, { path: '/a', watch: true })
    alice.packets.length = 0
    coordinator.request(alice, 3, operations.deleteNode, { path: '/a', version: -1 })
    expect(events(alice)).toEqual([{ type: EVENT_TYPE.DELETED, state: 3, path: '/a' }])
  })

  test('6. cversion is twice the creates less the children; the creates number sequential nodes', () => {
    const { coordinator, alice } = setUp('/a', '/a/1', '/a/2')
    coordinator.request(alice, 1, operations.deleteNode, { path: '/a/1', version: -1 })
    coordinator.request(alice, 2, operations.create, create('/a/s-', 2))
    coordinator.request(alice, 3, operations.exists, { path: '/a', watch: false })
    const exists = new ByteReader(alice.packets.pop()!)
    replyHeader.read(exists)
    expect(operations.exists.reply.read(exists).stat).toMatchObject({ cversion: 2 * 3 - 2, numChildren: 2 })
    expect(coordinator.machine.tree.get('/a/s-0000000002')).toBeDefined()
  })

  test('7. ephemeralOwner is the session of an ephemeral node and 0 of any other', () => {
    const { coordinator, alice } = setUp('/stays')
    coordinator.request(alice, 1, operations.create2, create('/goes', 1))
    const reply = new ByteReader(alice.packets.pop()!)
    replyHeader.read(reply)
    expect(operations.create2.reply.read(reply).stat.ephemeralOwner).toBe(alice.session.id)
    coordinator.request(alice, 2, operations.exists, { path: '/stays', watch: false })
    const exists = new ByteReader(alice.packets.pop()!)
    replyHeader.read(exists)
    expect(operations.exists.reply.read(exists).stat.ephemeralOwner).toBe(0n)
  })

  test('8. a failed write takes a zxid; an event carries -1', () => {
    const { coordinator, alice } = setUp('/a')
    const before = zxidToBigint(coordinator.machine.zxid)
    coordinator.request(alice, 1, operations.create, create('/a'))
    expect(replyHeader.read(new ByteReader(alice.packets.pop()!))).toEqual({
      xid: 1,
      zxid: before + 1n,
      error: -110,
    })
    coordinator.request(alice, 2, operations.exists, { path: '/a', watch: true })
    coordinator.request(alice, 3, operations.deleteNode, { path: '/a', version: -1 })
    expect(replyHeader.read(new ByteReader(alice.packets[1]!)).zxid).toBe(-1n)
  })

  test('9. watches are those of a connection: they do not follow the session to another one', () => {
    const { coordinator, alice } = setUp('/a')
    coordinator.request(alice, 1, operations.getData, { path: '/a', watch: true })
    const again = coordinator.resume('again', alice.session.id, alice.session.password)!
    alice.packets.length = 0
    coordinator.request(again, 2, operations.setData, { path: '/a', data: NO_DATA, version: -1 })
    expect(xids(again)).toEqual([2])
    expect(alice.packets).toEqual([])
    expect(coordinator.watches.count).toBe(0)
  })

  test('10. zxids never go back: not with the epoch, not with a restart from a snapshot', () => {
    const { coordinator, alice } = setUp()
    const seen: bigint[] = []
    for (const epoch of [1, 1, 3, 2, 3, 0x7fff_ffff, 0x8000_0000, 5]) {
      coordinator.epoch = epoch
      coordinator.request(alice, 1, operations.create, create(`/n${seen.length}`))
      seen.push(zxidToBigint(coordinator.machine.zxid))
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => (a < b ? -1 : 1)))
    expect(seen.every((zxid) => zxid < 2n ** 63n)).toBe(true)
  })
})

test('a NUL in a path is told before a missing parent is; any other bad character after it', () => {
  const { coordinator, alice } = setUp()
  const errors = ['/none/a\0', '/none/a\u0001', '/a\u0001'].map((path) => {
    coordinator.request(alice, 1, operations.create, create(path))
    return replyHeader.read(new ByteReader(alice.packets.pop()!)).error
  })
  expect(errors).toEqual([ERROR_CODE.BAD_ARGUMENTS, ERROR_CODE.NO_NODE, ERROR_CODE.BAD_ARGUMENTS])
})

function setUp(...paths: string[]): { coordinator: MemoryCoordinator; alice: MemoryConnection } {
  const coordinator = new MemoryCoordinator()
  const alice = coordinator.connect('alice')
  for (const path of paths) coordinator.request(alice, 0, operations.create, create(path))
  alice.packets.length = 0
  return { coordinator, alice }
}

function xids({ packets }: MemoryConnection): number[] {
  return packets.map((packet) => replyHeader.read(new ByteReader(packet)).xid)
}

function events({ packets }: MemoryConnection): unknown[] {
  return packets
    .map((packet) => new ByteReader(packet))
    .filter((reader) => replyHeader.read(reader).xid === -1)
    .map((reader) => watcherEvent.read(reader))
}
