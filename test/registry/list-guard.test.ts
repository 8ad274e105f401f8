import { describe, expect, it } from 'vitest'
import { type Instance, ListGuard, pick } from '../../src/registry/core/index.ts'

const GRACE_MS = 10_000

describe('the guard of a list', () => {
  it('shows one that dies among others at once', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.listed(2, 'a', 'b')
    guard.listed(2 + GRACE_MS, 'a')
    expect(shown()).toEqual(['live a b c', 'live a b', 'live a'])
  })

  it.each([
    ['all', ['a', 'b', 'c'], []],
    ['more than half', ['a', 'b', 'c'], ['a']],
    ['the only one', ['a'], []],
  ])(
    'doubts a loss of %s although this connection is well, and believes a second reading',
    (_what, before, after) => {
      const { guard, shown, readings } = guarded()
      guard.connected(0)
      guard.listed(1_000_000, ...before)
      guard.listed(1_000_001, ...after)
      expect(shown().at(-1)).toBe(['kept', ...before].join(' '))
      expect(readings()).toEqual([1_000_001 + GRACE_MS])
      guard.listed(1_000_001 + GRACE_MS, ...after)
      expect(shown().at(-1)).toBe(['live', ...after].join(' '))
    },
  )

  it('adds up what goes one after the other within a grace, as a partition takes it', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c', 'd')
    guard.listed(2, 'b', 'c', 'd')
    guard.listed(3, 'c', 'd')
    guard.listed(4, 'd')
    expect(shown().slice(1)).toEqual(['live b c d', 'live c d', 'kept a b c d'])
    guard.listed(5, 'a', 'b', 'c', 'd')
    expect(shown().at(-1)).toBe('live a b c d')
  })

  it('does not add up what was replaced meanwhile, or has come back', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.listed(2, 'b', 'c', 'd')
    guard.listed(3, 'c', 'd', 'e')
    guard.listed(4, 'd', 'e', 'f')
    guard.listed(5, 'a', 'b', 'c', 'd', 'e', 'f')
    guard.listed(6, 'b', 'c', 'd')
    expect(shown().every((list) => list.startsWith('live'))).toBe(true)
  })

  it('adds up nothing that lies further back, or said goodbye', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.listed(2, 'b', 'c')
    guard.listed(2 + GRACE_MS, 'c')
    expect(shown().at(-1)).toBe('live c')
    guard.listedAs(3 + GRACE_MS, instance('c', { state: 'draining' }))
    guard.listed(4 + GRACE_MS)
    expect(shown().at(-1)).toBe('live')
  })

  it('keeps the good list while the registry is away', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b')
    guard.disturbed(1)
    expect(shown()).toEqual(['live a b', 'kept a b'])
  })

  it('doubts a list that lost more than half after a disturbance, until a second reading says the same', () => {
    const { guard, shown, readings } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.disturbed(1)
    guard.connected(1_000)
    guard.listed(1_001, 'a')
    expect(shown().at(-1)).toBe('kept a b c')
    expect(readings()).toEqual([1_001 + GRACE_MS])
    guard.listed(1_001 + GRACE_MS - 1, 'a')
    expect(shown().at(-1)).toBe('kept a b c')
    guard.listed(1_001 + GRACE_MS, 'a')
    expect(shown().at(-1)).toBe('live a')
  })

  it('believes a loss of half', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b')
    guard.disturbed(1)
    guard.connected(2)
    guard.listed(3, 'a')
    expect(shown().at(-1)).toBe('live a')
  })

  it('ends the doubt as soon as enough are back', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.disturbed(1)
    guard.connected(2)
    guard.listed(3)
    guard.listed(4, 'a', 'c')
    expect(shown()).toEqual(['live a b c', 'kept a b c', 'live a c'])
  })

  it('adds to the kept list what is new in the doubtful one', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b', 'c')
    guard.disturbed(1)
    guard.connected(2)
    guard.listed(3, 'd')
    expect(shown().at(-1)).toBe('kept a b c d')
  })

  it('does not take a process that came back under a new id for a loss', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listedAs(1, instance('a', { port: 7001 }))
    guard.disturbed(1)
    guard.connected(2)
    guard.listedAs(3, instance('b', { port: 7001 }))
    expect(shown().at(-1)).toBe('live b')
  })

  it('does not miss instances that were draining: they have said goodbye', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listedAs(
      1,
      instance('a', { state: 'draining' }),
      instance('b', { state: 'draining' }),
      instance('c'),
    )
    guard.disturbed(1)
    guard.connected(2)
    guard.listed(3, 'c')
    expect(shown().at(-1)).toBe('live c')
  })

  it('starts the grace anew when the registry is lost again meanwhile', () => {
    const { guard, shown, readings } = guarded()
    guard.connected(0)
    guard.listed(1, 'a')
    guard.listed(3)
    guard.disturbed(4)
    guard.connected(3 + GRACE_MS)
    guard.listed(4 + GRACE_MS)
    expect(shown().at(-1)).toBe('kept a')
    expect(readings()).toEqual([3 + GRACE_MS, 4 + 2 * GRACE_MS])
    guard.listed(4 + 2 * GRACE_MS)
    expect(shown().at(-1)).toBe('live')
  })

  it('decides after three graces of connection in all, however often the link flaps', () => {
    const { guard, shown } = guarded()
    const [upMs, downMs] = [GRACE_MS / 4, GRACE_MS * 50]
    guard.connected(0)
    guard.listed(0, 'a', 'b')
    let nowMs = 0
    let connectedMs = 0
    while (shown().at(-1) !== 'live') {
      guard.listed(nowMs + 1)
      guard.disturbed(nowMs + upMs)
      connectedMs += upMs
      nowMs += upMs + downMs
      guard.connected(nowMs)
      guard.listed(nowMs + 1)
      expect(connectedMs).toBeLessThanOrEqual(4 * GRACE_MS)
    }
    expect(connectedMs).toBeGreaterThanOrEqual(3 * GRACE_MS)
  })

  it('counts from the end of a slow reading, and lets only one decide that began after the grace', () => {
    const { guard, shown, readings } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b')
    guard.listedSlowly(2, 5_000)
    guard.listedSlowly(5_000 + GRACE_MS - 1, 5_000 + GRACE_MS + 1)
    expect(shown().at(-1)).toBe('kept a b')
    expect(readings()).toEqual([5_000 + GRACE_MS])
    guard.listedSlowly(5_000 + GRACE_MS, 6_000 + GRACE_MS)
    expect(shown().at(-1)).toBe('live')
  })

  it('asks for another reading when the time is over and one that began earlier comes in', () => {
    const { guard, shown, readings } = guarded()
    guard.connected(0)
    guard.listed(0, 'a', 'b')
    guard.listed(0)
    guard.disturbed(5 * GRACE_MS)
    guard.connected(6 * GRACE_MS)
    guard.listedSlowly(5 * GRACE_MS, 6 * GRACE_MS + 1)
    expect(shown().at(-1)).toBe('kept a b')
    expect(readings().at(-1)).toBe(6 * GRACE_MS)
    guard.listed(6 * GRACE_MS + 2)
    expect(shown().at(-1)).toBe('live')
  })

  it('does not count the time without a connection', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a', 'b')
    guard.listed(2)
    guard.disturbed(3)
    guard.disturbed(4)
    guard.connected(100 * GRACE_MS)
    guard.listed(100 * GRACE_MS + 1)
    expect(shown().at(-1)).toBe('kept a b')
  })

  it('shows a cached list until there is a live one, and doubts only an empty one against it', () => {
    const other = guarded()
    other.guard.cached('a', 'b', 'c')
    other.guard.connected(0)
    other.guard.listed(1, 'd')
    expect(other.shown()).toEqual(['cached a b c', 'live d'])

    const empty = guarded()
    empty.guard.cached('a')
    empty.guard.connected(0)
    empty.guard.listed(1)
    empty.guard.listed(1 + GRACE_MS)
    expect(empty.shown()).toEqual(['cached a', 'kept a', 'live'])
  })

  it('ignores a cached list once a live one was there', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a')
    guard.cached('b')
    expect(shown()).toEqual(['live a'])
  })

  it('says the same list only once', () => {
    const { guard, shown } = guarded()
    guard.connected(0)
    guard.listed(1, 'a')
    guard.listed(2, 'a')
    expect(shown()).toEqual(['live a'])
  })
})

function guarded() {
  const guard = new ListGuard({ confirmGraceMs: GRACE_MS })
  const shown: string[] = []
  const readings: number[] = []
  const out = {
    publish: (instances: readonly Instance[], source: string) =>
      void shown.push([source, ...instances.map(({ id }) => id)].join(' ')),
    readAgainAt: (ms: number) => void readings.push(ms),
  }
  const make = (ids: readonly string[]): readonly Instance[] => ids.map((id) => instance(id))
  return {
    shown: () => shown,
    readings: () => readings,
    guard: {
      connected: (nowMs: number) => guard.step({ type: 'connected', nowMs }, out),
      disturbed: (nowMs: number) => guard.step({ type: 'disturbed', nowMs }, out),
      listedSlowly: (begunMs: number, nowMs: number, ...ids: string[]) =>
        guard.step({ type: 'listed', begunMs, nowMs, instances: make(ids) }, out),
      cached: (...ids: string[]) => guard.step({ type: 'cached', instances: make(ids) }, out),
      listed: (nowMs: number, ...ids: string[]) =>
        guard.step({ type: 'listed', begunMs: nowMs, nowMs, instances: make(ids) }, out),
      listedAs: (nowMs: number, ...instances: Instance[]) =>
        guard.step({ type: 'listed', begunMs: nowMs, nowMs, instances }, out),
    },
  }
}

/** Ids are letters; each has an address of its own. */
function instance(id: string, change: Partial<Instance> = {}): Instance {
  return pick({
    id,
    service: 'order',
    host: '127.0.0.1',
    port: 7000 + id.charCodeAt(0),
    version: '1.0.0',
    group: 'default',
    weight: 100,
    zone: '',
    state: 'up',
    registeredMs: 0,
    metadata: {},
    ...change,
  })
}
