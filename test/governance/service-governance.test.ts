import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AVOID_MS_MAX,
  AVOID_MS_MIN,
  Health,
  type Member,
  makeBalancer,
  ServiceGovernance,
} from '../../src/governance/index.ts'
import { seededRandom } from './random.ts'

interface Named extends Member {
  readonly name: string
}

function governed(...members: readonly (readonly [name: string, weight?: number])[]) {
  const governance = new ServiceGovernance<Named>(makeBalancer<Named>('round-robin'))
  governance.update(members.map(([name, weight = 100]) => ({ name, weight, health: new Health() })))
  const random = seededRandom(1)
  const pick = (nowMs: number, tried: readonly Named[] = []) => governance.pick(nowMs, random, tried)
  const named = (name: string): Named => governance.members.find((one) => one.name === name)!
  const picks = (nowMs: number, tried: readonly Named[] = []) =>
    new Set(Array.from({ length: 20 }, () => pick(nowMs, tried)?.name))
  return { governance, pick, picks, named }
}

describe('the choice of an instance', () => {
  it('leaves out whoever has no weight', () => {
    const { picks } = governed(['a', 0], ['b'], ['c'])
    expect(picks(0)).toEqual(new Set(['b', 'c']))
  })

  it('is nobody only if nobody takes calls', () => {
    expect(governed(['a', 0]).pick(0)).toBe(undefined)
    expect(governed().pick(0)).toBe(undefined)
  })

  it('prefers those that a call has not tried', () => {
    const { picks, named } = governed(['a'], ['b'], ['c'])
    expect(picks(0, [named('a')])).toEqual(new Set(['b', 'c']))
    expect(picks(0, [named('a'), named('b')])).toEqual(new Set(['c']))
    expect(picks(0, [named('a'), named('b'), named('c')])).toEqual(new Set(['a', 'b', 'c']))
  })

  it('avoids whoever failed a moment ago, and takes it if there is nobody else', () => {
    const { governance, picks, named } = governed(['a'], ['b'])
    governance.onStart(named('a'))
    governance.onEnd(named('a'), 1_000)
    expect(picks(1_001)).toEqual(new Set(['b']))
    governance.onStart(named('b'))
    governance.onEnd(named('b'), 1_000)
    expect(picks(1_001)).toEqual(new Set(['a', 'b']))
    expect(picks(1_001, [named('a')])).toEqual(new Set(['b']))
  })

  it('takes it back at once when it shows life', () => {
    const { governance, picks, named } = governed(['a'], ['b'])
    governance.onStart(named('a'))
    governance.onEnd(named('a'), 1_000)
    named('a').health.alive()
    expect(picks(1_001)).toEqual(new Set(['a', 'b']))
  })

  it('gives retries no turn, so that calls do not all begin at the one that refuses them', () => {
    const { pick, named } = governed(['a'], ['b'])
    const first: string[] = []
    for (let call = 0; call < 10; call++) {
      const choice = pick(0)!
      first.push(choice.name)
      if (choice.name === 'a') expect(pick(0, [named('a')])!.name).toBe('b')
    }
    expect(first.filter((name) => name === 'a')).toHaveLength(5)
  })
})

describe('the health of an address', () => {
  it('is doubted for longer with each failure that follows another, up to a bound', () => {
    const health = new Health()
    let nowMs = 0
    for (let failures = 1; failures < 10; failures++) {
      health.failed(nowMs)
      const avoidMs = Math.min(AVOID_MS_MIN * 2 ** (failures - 1), AVOID_MS_MAX)
      expect(health.eligible(nowMs + avoidMs - 1)).toBe(false)
      expect(health.eligible(nowMs + avoidMs)).toBe(true)
      nowMs += avoidMs
    }
  })

  it('is doubted once for a burst of calls that fail together', () => {
    const health = new Health()
    for (let i = 0; i < 64; i++) health.failed(i)
    expect(health.eligible(AVOID_MS_MIN)).toBe(true)
  })

  it('is tried with one call at a time after a while', () => {
    const health = new Health()
    health.failed(0)
    expect(health.eligible(AVOID_MS_MIN)).toBe(true)
    health.onStart()
    expect(health.eligible(AVOID_MS_MIN)).toBe(false)
    health.onEnd()
    expect(health.eligible(AVOID_MS_MIN)).toBe(true)
  })

  it('never leaves a call without an instance while one takes calls, whatever happened', () => {
    const anyStep = fc.record({
      member: fc.nat(2),
      does: fc.constantFrom('fail', 'live', 'start', 'end'),
      passMs: fc.nat(5_000),
    })
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 50 }), (steps) => {
        const { pick, named } = governed(['0'], ['1'], ['2'])
        let nowMs = 0
        for (const { member, does, passMs } of steps) {
          nowMs += passMs
          const { health } = named(`${member}`)
          if (does === 'fail') health.failed(nowMs)
          else if (does === 'live') health.alive()
          else if (does === 'start') health.onStart()
          else health.onEnd()
          expect(pick(nowMs)).toBeDefined()
        }
      }),
    )
  })
})
