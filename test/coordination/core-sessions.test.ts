import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OPEN_ACL, operations, type Session, SessionLeases } from '../../src/coordination/core/index.ts'
import { encoded, MemoryCoordinator, passwordOf } from './memory-coordinator.ts'

const request = (path: string, flags = 0): Uint8Array =>
  encoded(operations.create.request, { path, data: new Uint8Array(0), acl: OPEN_ACL, flags })

describe('a session', () => {
  test('whose id is in use or 0 is not opened', () => {
    const coordinator = new MemoryCoordinator()
    const { session } = coordinator.connect('alice')
    coordinator.batch.connect({ sessionId: session.id, password: passwordOf(9), timeoutMs: 1, ticket: 99 })
    coordinator.flush()
    expect(coordinator.told.at(-1)).toBe('session-refused 1 ticket 99 session-exists')
    expect(coordinator.machine.session(session.id)).toBe(session)
    expect(session.password).toEqual(passwordOf(1))
    coordinator.apply(new Uint8Array(38).fill(0).fill(1, 0, 2))
    expect(coordinator.told.at(-1)).toBe('session-refused 0 ticket 0 session-exists')
    expect(coordinator.machine.sessionCount).toBe(1)
  })

  test('is found among others whose halves mix to the same key', () => {
    const coordinator = new MemoryCoordinator()
    const ids = [0x0000_0001_0000_0000n, 0x9e37_79b1n, 0x7000_0000_0000_0001n, 1n]
    const open = (id: bigint, ticket: number) => {
      coordinator.batch.connect({ sessionId: id, password: passwordOf(1), timeoutMs: 1, ticket })
      coordinator.flush()
    }
    ids.forEach(open)
    expect(ids.map((id) => coordinator.machine.session(id)?.id)).toEqual(ids)
    for (const id of ids) {
      coordinator.batch.expire(coordinator.machine.session(id)!, 99)
      coordinator.flush()
      expect(coordinator.machine.session(id)).toBeUndefined()
    }
    expect(coordinator.machine.sessionCount).toBe(0)
  })

  test('applies the writes of a connection as a prefix of what it sent, whatever is lost or repeated', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 40 }), (arrivals) => {
        const coordinator = new MemoryCoordinator()
        const { session, generation } = coordinator.connect('alice')
        for (const number of arrivals)
          coordinator.batch.operation(
            session,
            generation,
            number,
            operations.create.code,
            request(`/n${number}`),
          )
        coordinator.flush()
        const applied = coordinator.told.filter((line) => line.startsWith('replied'))
        expect(applied.map((line) => Number(/1\/(\d+)/.exec(line)![1]))).toEqual(applied.map((_, i) => i + 1))
      }),
    )
  })

  test('that moved takes no more writes of the former connection, even with the right number', () => {
    const coordinator = new MemoryCoordinator()
    const { session } = coordinator.connect('alice')
    coordinator.resume('again', session.id, session.password)
    coordinator.batch.operation(session, 1, 1, operations.create.code, request('/late'))
    coordinator.batch.operation(session, 2, 1, operations.create.code, request('/now'))
    coordinator.flush()
    expect(coordinator.told.slice(-3)).toEqual([
      'refused 1 1/1 session-moved',
      'changed 1 /now zxid 0.2',
      'replied 1 2/1 zxid 0.2 error 0',
    ])
  })

  test('keeps nothing of the bytes of its entries, which belong to the log', () => {
    const coordinator = new MemoryCoordinator()
    const alice = coordinator.connect('alice')
    const data = new Uint8Array(9).fill(7)
    const create = { path: '/a', data, acl: OPEN_ACL, flags: 0 }
    coordinator.request(alice, 1, operations.create, create)
    coordinator.request(alice, 2, operations.setData, { path: '/a', data, version: -1 })
    const digest = coordinator.machine.digest()
    for (const entry of coordinator.entries) entry.data.fill(0xee)
    expect(coordinator.machine.tree.get('/a')!.data).toEqual(data)
    expect(alice.session.password).toEqual(passwordOf(1))
    expect(coordinator.machine.digest()).toBe(digest)
  })

  test('a wrong password leaves the session with the connection that has it', () => {
    const coordinator = new MemoryCoordinator()
    const alice = coordinator.connect('alice')
    for (let i = 0; i < 16; i++) {
      const wrong = alice.session.password.slice()
      wrong[i]! ^= 1
      expect(coordinator.resume('thief', alice.session.id, wrong)).toBeUndefined()
    }
    expect(alice.session.generation).toBe(1)
    expect(alice.open).toBe(true)
  })

  test('does not expire if it did anything since the leader looked', () => {
    const coordinator = new MemoryCoordinator()
    const { session } = coordinator.connect('alice')
    const seen = session.lastIndex
    coordinator.batch.operation(session, 1, 1, operations.create.code, request('/e', 1))
    coordinator.batch.expire(session, seen)
    coordinator.flush()
    expect(coordinator.machine.tree.get('/e')).toBeDefined()
    coordinator.resume('again', session.id, session.password)
    coordinator.batch.expire(session, seen + 1)
    coordinator.flush()
    expect(coordinator.machine.session(session.id)).toBe(session)
    coordinator.batch.expire(session, session.lastIndex)
    coordinator.flush()
    expect(coordinator.machine.session(session.id)).toBeUndefined()
    expect(coordinator.machine.tree.get('/e')).toBeUndefined()
  })

  test('a refused write does not count as a sign of life', () => {
    const coordinator = new MemoryCoordinator()
    const { session } = coordinator.connect('alice')
    const { lastIndex } = session
    coordinator.batch.operation(session, 1, 2, operations.create.code, request('/gap'))
    coordinator.flush()
    expect(session.lastIndex).toBe(lastIndex)
  })

  test('keeps the replicated time of its last entry', () => {
    const coordinator = new MemoryCoordinator()
    coordinator.leaseMs = 1_000.7
    const alice = coordinator.connect('alice')
    expect(alice.session.lastLeaseMs).toBe(1_000)
    coordinator.leaseMs = 2_500
    coordinator.request(alice, 1, operations.sync, { path: '/' })
    expect(alice.session.lastLeaseMs).toBe(1_000)
    coordinator.request(alice, 1, operations.check, { path: '/none', version: 0 })
    expect(alice.session.lastLeaseMs).toBe(2_500)
  })
})

describe('leases', () => {
  const session = (timeoutMs: number): Session => ({ timeoutMs }) as Session

  test('end at the first tick after the time-out, never before it', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.integer({ min: 1, max: 9_000 }),
        fc.integer({ min: 1, max: 3_000 }),
        (now, timeoutMs, tickMs) => {
          const leases = new SessionLeases(tickMs)
          const alice = session(timeoutMs)
          leases.touch(alice, now)
          expect(leases.expired(now + timeoutMs)).toEqual([])
          expect(leases.expired(now + timeoutMs + tickMs)).toEqual([alice])
        },
      ),
    )
  })

  test('are extended by a touch and never shortened by one', () => {
    const leases = new SessionLeases(100)
    const alice = session(1_000)
    leases.touch(alice, 0)
    leases.touch(alice, 900)
    leases.touch(alice, 500)
    expect(leases.expired(1_900)).toEqual([])
    expect(leases.expired(2_000)).toEqual([alice])
  })

  test('that ended are named again each tick, until the session is forgotten or heard from', () => {
    const leases = new SessionLeases(100)
    const alice = session(1_000)
    const bob = session(1_000)
    leases.touch(alice, 0)
    leases.touch(bob, 0)
    expect(leases.expired(1_500)).toEqual([alice, bob])
    expect(leases.expired(1_550)).toEqual([])
    leases.forget(bob)
    expect(leases.expired(1_600)).toEqual([alice])
    leases.touch(alice, 1_650)
    expect(leases.expired(2_600)).toEqual([])
    leases.clear()
    expect(leases.expired(9_000)).toEqual([])
    expect(leases.size).toBe(0)
  })
})
