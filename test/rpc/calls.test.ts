import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CALL_ID_MAX, ClientCalls, ServerCalls, type WrittenCall } from '../../src/rpc/core/index.ts'

interface Call extends WrittenCall {
  readonly name: string
}

const call = (name: string): Call => ({ name, writtenAt: 0 })

describe('the calls of a client on one connection', () => {
  it('are numbered from 1, and each is settled once', () => {
    const calls = new ClientCalls<Call>(10)
    expect(calls.open(call('a'), 0)).toBe(1)
    expect(calls.open(call('b'), 40)).toBe(2)
    expect(calls.settle(1)?.name).toBe('a')
    expect(calls.settle(1)).toBe(undefined)
    expect(calls.size).toBe(1)
  })

  it('tell an answer that comes late from one to a call that was never made', () => {
    const calls = new ClientCalls<Call>(10)
    calls.open(call('a'), 0)
    calls.settle(1)
    expect(calls.issued(1)).toBe(true)
    expect(calls.issued(2)).toBe(false)
  })

  it('above the last that a leaving server took surely did not run, and no further one is taken', () => {
    const calls = new ClientCalls<Call>(10)
    for (const name of ['a', 'b', 'c']) calls.open(call(name), 0)
    expect(calls.goAway(1).map(({ name }) => name)).toEqual(['b', 'c'])
    expect(calls.closing).toBe(true)
    expect(() => calls.open(call('d'), 0)).toThrow('assertion failed')
    // A second GOAWAY may only take back more.
    expect(calls.goAway(3)).toEqual([])
    expect(calls.goAway(0).map(({ name }) => name)).toEqual(['a'])
  })

  it('whose bytes never left surely did not run when the connection is lost; of the others nobody knows', () => {
    const calls = new ClientCalls<Call>(10)
    calls.open(call('first'), 0)
    calls.open(call('second'), 50)
    calls.open(call('third'), 100)
    const lost = calls.lost(100)
    expect(lost.sent.map(({ name }) => name)).toEqual(['first', 'second'])
    expect(lost.unsent.map(({ name }) => name)).toEqual(['third'])
    expect(calls.size).toBe(0)
  })

  it('are as many as the server takes at once', () => {
    const calls = new ClientCalls<Call>(1)
    calls.open(call('a'), 0)
    expect(calls.full).toBe(true)
    calls.settle(1)
    expect(calls.full).toBe(false)
  })

  it('end with a GOAWAY even if the server took every number', () => {
    const calls = new ClientCalls<Call>(1)
    calls.goAway(CALL_ID_MAX)
    expect(calls.closing).toBe(true)
  })
})

describe('the calls of a server on one connection', () => {
  it('are bounded by handlers that have not ended, whatever is cancelled, answered or refused', () => {
    const anyStep = fc.record({
      does: fc.constantFrom('call', 'call', 'cancel', 'finish', 'drain'),
      which: fc.nat(),
      skip: fc.integer({ min: 1, max: 3 }),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(anyStep, { maxLength: 100 }), (max, steps) => {
        const calls = new ServerCalls<number>(max)
        const handlers = new Map<number, { wanted: boolean }>()
        let lastId = 0
        let draining = false
        for (const { does, which, skip } of steps) {
          const id = [...handlers.keys()][which % Math.max(1, handlers.size)] ?? 0
          if (does === 'call') {
            lastId += skip
            const expected = draining ? 'draining' : handlers.size >= max ? 'overloaded' : 'accepted'
            expect(calls.admit(lastId)).toBe(expected)
            if (expected !== 'accepted') continue
            calls.start(lastId, lastId)
            handlers.set(lastId, { wanted: true })
          } else if (does === 'cancel') {
            expect(calls.cancel(id)).toBe(handlers.get(id)?.wanted ? id : undefined)
            if (handlers.has(id)) handlers.set(id, { wanted: false })
          } else if (does === 'finish' && handlers.has(id)) {
            expect(calls.finish(id)).toBe(handlers.get(id)!.wanted)
            handlers.delete(id)
          } else if (does === 'drain' && which % 10 === 0) {
            draining = true
            expect(calls.drain()).toBe(lastId)
          }
          expect(calls.inFlight).toBe(handlers.size)
        }
        const wanted = [...handlers].filter(([, handler]) => handler.wanted).map(([id]) => id)
        expect(calls.abandon()).toEqual(wanted)
        expect(calls.inFlight).toBe(handlers.size)
      }),
    )
  })

  it('keep their place when they are cancelled, until their handlers end', () => {
    const calls = new ServerCalls<string>(1)
    expect(calls.admit(1)).toBe('accepted')
    calls.start(1, 'held')
    expect(calls.cancel(1)).toBe('held')
    expect(calls.inFlight).toBe(1)
    expect(calls.admit(2)).toBe('overloaded')
    expect(calls.finish(1)).toBe(false)
    expect(calls.inFlight).toBe(0)
    expect(calls.admit(3)).toBe('accepted')
  })

  it('have numbers that only go up: a second call of the same number is a violation', () => {
    const calls = new ServerCalls<number>(10)
    calls.admit(5)
    for (const id of [5, 4, 1])
      expect(() => calls.admit(id)).toThrow(expect.objectContaining({ code: 'RPC_PROTOCOL_VIOLATION' }))
  })
})
