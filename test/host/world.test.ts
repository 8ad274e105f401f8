import { describe, expect, it, vi } from 'vitest'
import { nodeClock, nodeRandom, nodeTimers } from '../../src/host/index.ts'

describe("the world's timers", () => {
  it('never fire before their time by the monotonic clock', async () => {
    for (let i = 0; i < 60; i++) {
      const delayMs = 0.5 + (i % 7) * 0.9
      const startedMs = nodeClock.monotonicMs()
      await new Promise<void>((resolve) => nodeTimers.after(delayMs, resolve))
      expect(nodeClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(delayMs)
    }
  })

  it('fire later, never at once', async () => {
    const action = vi.fn()
    nodeTimers.after(0, action)
    expect(action).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(action).toHaveBeenCalledOnce())
  })

  it('wait for delays that setTimeout cannot', () => {
    vi.useFakeTimers()
    try {
      const action = vi.fn()
      nodeTimers.after(2 ** 32, action)
      vi.advanceTimersByTime(2 ** 32 - 1)
      expect(action).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(action).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })

  it('do not fire once cancelled, also twice, also after they were set again', () => {
    vi.useFakeTimers()
    try {
      const action = vi.fn()
      const timer = nodeTimers.after(2 ** 32, action)
      vi.advanceTimersByTime(2 ** 31 + 5)
      timer.cancel()
      timer.cancel()
      vi.advanceTimersByTime(2 ** 33)
      expect(action).not.toHaveBeenCalled()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe("the world's randomness", () => {
  it('is 32 bits, and differs', () => {
    const drawn = Array.from({ length: 100 }, () => nodeRandom.split('any').uint32())
    expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true)
    expect(new Set(drawn).size).toBeGreaterThan(90)
  })
})
