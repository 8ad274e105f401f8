import { describe, expect, test } from 'vitest'
import {
  CoordinationMachine,
  type CoordinationOutput,
  OPEN_ACL,
  operations,
  type Session,
} from '../../src/coordination/core/index.ts'
import { type MemoryConnection, MemoryCoordinator } from './memory-coordinator.ts'

const bytes = (length: number, fill = 0): Uint8Array => new Uint8Array(length).fill(fill)

describe('a snapshot', () => {
  test('is the state at its boundary, whatever is applied while it is read', () => {
    for (const chunkBytes of [1, 50, 400, 5_000]) {
      const { coordinator, alice } = populated()
      const before = contents(coordinator.machine)
      const digest = coordinator.machine.digest()
      const cursor = coordinator.machine.snapshot()
      const chunks: Uint8Array[] = []
      for (let chunk = cursor.next(chunkBytes); chunk !== undefined; chunk = cursor.next(chunkBytes)) {
        chunks.push(chunk)
        disturb(coordinator, alice, chunks.length)
      }
      cursor.close()
      const restored = load(chunks)
      expect(restored.digest(), `chunks of ${chunkBytes} bytes`).toBe(digest)
      expect(contents(restored)).toEqual(before)
      expect(coordinator.machine.digest()).not.toBe(digest)
    }
  })

  test('that is read after everything has changed is still the state at its boundary', () => {
    const { coordinator, alice } = populated()
    const before = contents(coordinator.machine)
    const cursor = coordinator.machine.snapshot()
    for (let i = 1; i < 60; i++) disturb(coordinator, alice, i)
    expect(contents(load(readAll(cursor)))).toEqual(before)
  })

  test('costs later changes nothing once it is closed, and the next one is of the new state', () => {
    const { coordinator, alice } = populated()
    const abandoned = coordinator.machine.snapshot()
    abandoned.next(10)
    abandoned.close()
    disturb(coordinator, alice, 1)
    expect(abandoned.next(10)).toBeUndefined()
    const restored = load(readAll(coordinator.machine.snapshot()))
    expect(contents(restored)).toEqual(contents(coordinator.machine))
    expect(restored.digest()).toBe(coordinator.machine.digest())
  })

  test('carries the sessions, with what decides over their next write', () => {
    const { coordinator, alice } = populated()
    coordinator.resume('alice again', alice.session.id, alice.session.password, 7_000)
    const restored = load(readAll(coordinator.machine.snapshot()))
    expect(sessionsOf(restored)).toEqual(sessionsOf(coordinator.machine))
    expect(restored.session(alice.session.id)).toMatchObject({
      generation: 2,
      nextNumber: 1,
      timeoutMs: 7_000,
    })
  })

  test('lets a restored machine go on exactly as the one it was taken from', () => {
    const { coordinator } = populated()
    const restored = load(readAll(coordinator.machine.snapshot()))
    const bob = coordinator.connect('bob')
    restored.apply(coordinator.entries.at(-1)!, silent())
    for (let i = 1; i < 40; i++) {
      disturb(coordinator, bob, i)
      restored.apply(coordinator.entries.at(-1)!, silent())
      expect(restored.digest(), `after change ${i}`).toBe(coordinator.machine.digest())
    }
    expect(contents(restored)).toEqual(contents(coordinator.machine))
  })

  test('is refused where a chunk is missing, and the present state stays', () => {
    const { coordinator } = populated()
    const chunks = readAll(coordinator.machine.snapshot(), 200)
    expect(chunks.length).toBeGreaterThan(3)
    const refused = expect.objectContaining({ code: 'COORDINATION_SNAPSHOT_INVALID' })
    for (let missing = 0; missing < chunks.length; missing++) {
      const machine = new CoordinationMachine()
      const empty = machine.digest()
      expect(() => load(chunks.toSpliced(missing, 1), machine), `without chunk ${missing}`).toThrow(refused)
      expect(machine.digest()).toBe(empty)
    }
    expect(() => load([...chunks, chunks.at(-1)!])).toThrow(refused)
    expect(() => load([])).toThrow(refused)
  })
})

test('a clone goes on by itself, and its fingerprint tells it from the original only once they differ', () => {
  const { coordinator, alice } = populated()
  const clone = coordinator.machine.clone()
  const before = clone.fingerprint()
  expect(before).toBe(coordinator.machine.fingerprint())
  disturb(coordinator, alice, 4)
  expect(clone.fingerprint()).toBe(before)
  expect(coordinator.machine.fingerprint()).not.toBe(before)
  clone.apply(coordinator.entries.at(-1)!, silent())
  expect(clone.fingerprint()).toBe(coordinator.machine.fingerprint())
})

test('ACL lists are shared, and gone with the last node that has them', () => {
  const coordinator = new MemoryCoordinator()
  const alice = coordinator.connect('alice')
  const { acls } = coordinator.machine.tree
  const before = acls.size
  const acl = (user: string) => [
    ...OPEN_ACL,
    { permissions: 1, id: { scheme: 'digest', id: `${user}:hash` } },
  ]
  const create = (path: string, user: string) => ({ path, data: null, acl: acl(user), flags: 0 })
  for (let i = 0; i < 20; i++)
    coordinator.request(alice, 1, operations.create, create(`/n${i}`, `user${i % 4}`))
  expect(acls.size).toBe(before + 4)
  const failing = [
    { operation: operations.create, request: create('/x', 'other') },
    { operation: operations.check, request: { path: '/none', version: 0 } },
  ]
  coordinator.request(alice, 1, operations.multi, failing as never)
  coordinator.request(alice, 1, operations.setAcl, { path: '/n0', acl: acl('new'), version: -1 })
  expect(acls.size).toBe(before + 5)
  for (let i = 0; i < 20; i++)
    coordinator.request(alice, 1, operations.deleteNode, { path: `/n${i}`, version: -1 })
  expect(acls.size).toBe(before)
})

/** An output that nobody listens to. */
function silent(): CoordinationOutput {
  return new Proxy({} as CoordinationOutput, { get: () => () => {} })
}

/** A few hundred bytes of everything: data, null data, ephemerals, ACLs, sequential nodes, a changed parent. */
function populated(): { coordinator: MemoryCoordinator; alice: MemoryConnection } {
  const coordinator = new MemoryCoordinator()
  coordinator.epoch = 3
  const alice = coordinator.connect('alice')
  const carol = coordinator.connect('carol')
  const create = (path: string, data: Uint8Array | null, flags: number, acl = OPEN_ACL, by = alice) =>
    coordinator.request(by, 1, operations.create, { path, data, acl, flags })
  create('/a', bytes(20, 1), 0)
  create('/a/null', null, 0)
  create('/a/mine', bytes(0), 1)
  create('/a/hers', bytes(3), 1, OPEN_ACL, carol)
  create('/a/n-', bytes(5), 2)
  create('/a/n-', bytes(5), 3, OPEN_ACL, carol)
  create('/read', bytes(1), 0, [{ permissions: 17, id: { scheme: 'world', id: 'anyone' } }])
  for (let i = 0; i < 30; i++) create(`/a/many-${i}`, bytes(i), 0)
  coordinator.request(alice, 1, operations.deleteNode, { path: '/a/many-3', version: -1 })
  coordinator.request(alice, 1, operations.setData, { path: '/a', data: bytes(20, 2), version: -1 })
  return { coordinator, alice }
}

/** The i-th of a series of changes of every kind. */
function disturb(coordinator: MemoryCoordinator, connection: MemoryConnection, i: number): void {
  const write = <Request>(operation: { code: number }, request: Request) =>
    coordinator.request(connection, 1, operation as typeof operations.create, request as never)
  const path = `/a/many-${i % 30}`
  const kind = i % 8
  if (kind === 0) write(operations.setData, { path, data: bytes(i % 30, 9), version: -1 })
  else if (kind === 1) write(operations.deleteNode, { path, version: -1 })
  else if (kind === 2)
    write(operations.create, { path: `/new-${i}`, data: bytes(1), acl: OPEN_ACL, flags: i % 2 })
  else if (kind === 3)
    write(operations.setAcl, {
      path: '/read',
      acl: [{ permissions: 16 + (i % 2), id: { scheme: 'world', id: 'anyone' } }],
      version: -1,
    })
  else if (kind === 4) write(operations.setData, { path: '/a', data: bytes(i), version: -1 })
  else if (kind === 5)
    write(operations.multi, [
      { operation: operations.deleteNode, request: { path: '/a/null', version: -1 } },
      { operation: operations.check, request: { path: '/none', version: 0 } },
    ])
  else if (kind === 6) {
    const carol = coordinator.machine.session(2n)
    if (carol === undefined) coordinator.connect('dora')
    else {
      coordinator.batch.expire(carol, carol.lastIndex)
      coordinator.flush()
    }
  } else
    write(operations.create, { path: `/a/many-${(i * 7) % 30}`, data: bytes(2), acl: OPEN_ACL, flags: 0 })
}

function readAll(
  cursor: { next(bytes: number): Uint8Array | undefined; close(): void },
  size = 300,
): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let chunk = cursor.next(size); chunk !== undefined; chunk = cursor.next(size)) chunks.push(chunk)
  cursor.close()
  return chunks
}

function load(chunks: readonly Uint8Array[], machine = new CoordinationMachine()): CoordinationMachine {
  const loader = machine.restore()
  for (const chunk of chunks) loader.add(chunk)
  loader.finish()
  return machine
}

function contents(machine: CoordinationMachine): unknown {
  const nodes = [...machine.tree.nodes()].map(({ path, image, creates, acl, children, owner }) => ({
    path,
    image: image.slice(),
    creates,
    acl: acl.entries,
    children: [...(children ?? [])].sort(),
    owner: owner?.id,
  }))
  nodes.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { nodes, sessions: sessionsOf(machine), zxid: machine.zxid }
}

function sessionsOf(machine: CoordinationMachine): unknown[] {
  return [...machine.sessions()]
    .map(
      ({ id, password, timeoutMs, generation, nextNumber, lastIndex, lastLeaseMs, ephemerals }: Session) => ({
        id,
        password,
        timeoutMs,
        generation,
        nextNumber,
        lastIndex,
        lastLeaseMs,
        ephemerals: [...ephemerals].sort(),
      }),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}
