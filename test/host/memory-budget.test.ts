import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { MemoryBudget } from '../../src/host/index.ts'
import { frameOf } from './echo.ts'
import { openPair, WAITING } from './support.ts'

describe('a memory budget', () => {
  it('gives up whoever has been holding longest, until the rest fits', () => {
    const budget = new MemoryBudget(100)
    const gone: string[] = []
    const [old, middle, young] = ['old', 'middle', 'young'].map((name) =>
      budget.share(() => void gone.push(name)),
    )
    old!.hold(10)
    middle!.hold(60)
    old!.hold(30)
    young!.hold(5)
    expect(gone).toEqual([])
    young!.hold(40)
    expect(gone).toEqual(['old'])
    young!.hold(50)
    expect(gone).toEqual(['old', 'middle'])
    expect(budget.heldBytes).toBe(50)
  })

  it('counts a share as young again after it let go', () => {
    const budget = new MemoryBudget(10)
    const gone: string[] = []
    const a = budget.share(() => void gone.push('a'))
    const b = budget.share(() => void gone.push('b'))
    a.hold(5)
    b.hold(5)
    a.release()
    a.hold(6)
    expect(gone).toEqual(['b'])
    expect(budget.heldBytes).toBe(6)
  })

  it('gives up a share that alone is too large', () => {
    const budget = new MemoryBudget(10)
    const giveUp = vi.fn()
    budget.share(giveUp).hold(11)
    expect(giveUp).toHaveBeenCalledOnce()
    expect(budget.heldBytes).toBe(0)
  })

  it('never holds more than its bound, and always what its shares hold', () => {
    const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(50)), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (moves) => {
        const budget = new MemoryBudget(100)
        const shares = [0, 1, 2, 3, 4].map(() => budget.share(() => {}))
        for (const [index, bytes] of moves) {
          shares[index]!.hold(bytes)
          expect(budget.heldBytes).toBeLessThanOrEqual(100)
          expect(budget.heldBytes).toBe(shares.reduce((sum, share) => sum + share.bytes, 0))
        }
      }),
    )
  })
})

describe('the receive budget of connections', () => {
  it('holds the bytes of unfinished frames, and lets go of them when they complete or the connection closes', async () => {
    const receiveBudget = new MemoryBudget(1_000_000)
    const { handler, peer } = await openPair({ receiveBudget })
    const frame = frameOf('x'.repeat(1000))
    peer.send(frame.subarray(0, 500))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(500), WAITING)
    peer.send(frame.subarray(500))
    await handler.until(() => handler.frames.length === 1)
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(0), WAITING)
    peer.send(frame.subarray(0, 300))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(300), WAITING)
    peer.socket.destroy()
    await handler.end()
    expect(receiveBudget.heldBytes).toBe(0)
  })

  it('cuts the connection with the oldest unfinished frame', async () => {
    const receiveBudget = new MemoryBudget(1000)
    const stalling = await openPair({ receiveBudget })
    stalling.peer.send(frameOf('x'.repeat(2000)).subarray(0, 600))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(600), WAITING)
    const honest = await openPair({ receiveBudget })
    honest.peer.send(frameOf('y'.repeat(800)).subarray(0, 500))
    const reason = await stalling.handler.end()
    expect(reason.code).toBe('HOST_OVER_BUDGET')
    expect(reason.message).toContain('more than the 1000 bytes of receiveBudget')
    honest.peer.send(frameOf('y'.repeat(800)).subarray(500))
    await honest.handler.until(() => honest.handler.frames.length === 1)
  })

  it('counts the age of a frame, not of its connection', async () => {
    const receiveBudget = new MemoryBudget(1000)
    const busy = await openPair({ receiveBudget })
    const frame = frameOf('x'.repeat(400))
    busy.peer.send(frame.subarray(0, 300))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(300), WAITING)
    const stalling = await openPair({ receiveBudget })
    stalling.peer.send(frame.subarray(0, 200))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(500), WAITING)
    busy.peer.send(Buffer.concat([frame.subarray(300), frame.subarray(0, 350)]))
    await vi.waitFor(() => expect(receiveBudget.heldBytes).toBe(550), WAITING)
    const newcomer = await openPair({ receiveBudget })
    newcomer.peer.send(frameOf('z'.repeat(3000)).subarray(0, 460))
    expect((await stalling.handler.end()).code).toBe('HOST_OVER_BUDGET')
    expect(busy.server.closed).toBe(false)
  })
})
