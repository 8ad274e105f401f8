import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadline, DeadlineWheel, TICK_MS } from '../../src/rpc/core/index.ts'

describe('the wheel of deadlines', () => {
  it('fires each deadline once, never early, and at most a tick after it was due', () => {
    const anyStep = fc.record({
      add: fc.array(fc.integer({ min: -50, max: 10_000 }), { maxLength: 5 }),
      remove: fc.array(fc.nat(), { maxLength: 3 }),
      // Mostly ticks, now and then a long stop.
      passMs: fc.oneof(
        { weight: 9, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      ),
    })
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.array(anyStep, { maxLength: 60 }),
        (startMs, steps) => {
          let nowMs = startMs
          const wheel = new DeadlineWheel<Deadline>(nowMs)
          const pending = new Map<Deadline, number>()
          for (const { add, remove, passMs } of steps) {
            for (const inMs of add) {
              const deadline = new Deadline()
              wheel.add(deadline, nowMs + inMs)
              pending.set(deadline, Math.max(nowMs, nowMs + inMs))
            }
            for (const which of remove) {
              const deadline = [...pending.keys()][which % pending.size]
              if (deadline === undefined) continue
              wheel.remove(deadline)
              wheel.remove(deadline)
              pending.delete(deadline)
            }
            nowMs += passMs
            for (const fired of wheel.advance(nowMs)) {
              expect(pending.delete(fired)).toBe(true)
              expect(fired.dueMs).toBeLessThanOrEqual(nowMs)
            }
            // Not above: one that is due already waits for the next tick.
            for (const fromMs of pending.values()) expect(fromMs).toBeGreaterThanOrEqual(nowMs - 2 * TICK_MS)
            expect(wheel.size).toBe(pending.size)
          }
        },
      ),
    )
  })

  it('takes a deadline again after it fired', () => {
    const wheel = new DeadlineWheel<Deadline>(0)
    const deadline = new Deadline()
    wheel.add(deadline, 10)
    expect(wheel.advance(20)).toEqual([deadline])
    wheel.add(deadline, 30)
    expect(wheel.advance(29)).toEqual([])
    expect(wheel.advance(32)).toEqual([deadline])
  })
})
