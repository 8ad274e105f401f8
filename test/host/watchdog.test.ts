import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type TimeLimits, type Vitals, Watchdog } from '../../src/host/watchdog.ts'

const NO_LIMITS: TimeLimits = {
  handshakeTimeoutMs: 0,
  partialFrameTimeoutMs: 0,
  unsentTimeoutMs: 0,
  idleTimeoutMs: 0,
}

const NOTHING: Vitals = {
  bytesReceived: 0,
  framesReceived: 0,
  awaitingFrame: false,
  readingPaused: false,
  takenBytes: 0,
  unsentBytes: 0,
}

/** A watchdog over vitals that the test sets. Time and the phases of the event loop go when the test says so. */
function watch(limits: Partial<TimeLimits>, vitals: Partial<Vitals> = {}) {
  const seen = { ...NOTHING, ...vitals }
  const codes: string[] = []
  const watchdog = new Watchdog(
    { ...NO_LIMITS, ...limits },
    () => ({ ...seen }),
    (code) => {
      codes.push(code)
      watchdog.stop()
    },
  )
  return { seen, codes, watchdog }
}

/** Timers only: nothing has been read yet. */
function timersAfter(ms: number): void {
  vi.advanceTimersByTime(ms)
}

describe('the watchdog', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('judges a limit that has passed only after a poll, and lets go if the poll brought something', async () => {
    const { seen, codes } = watch({ idleTimeoutMs: 100 })
    timersAfter(100)
    expect(codes).toEqual([])
    seen.bytesReceived = 1
    await poll()
    expect(codes).toEqual([])
    timersAfter(100)
    await poll()
    expect(codes).toEqual(['HOST_IDLE'])
  })

  it('waits for a frame whose rest keeps coming in after the limit, as long as full kernel buffers may last', async () => {
    const { seen, codes } = watch({ partialFrameTimeoutMs: 100 }, { awaitingFrame: true })
    timersAfter(100)
    for (let i = 0; i < 5; i++) {
      seen.bytesReceived += 65_536
      await poll()
    }
    seen.framesReceived = 1
    seen.awaitingFrame = false
    await poll()
    timersAfter(400)
    await poll()
    expect(codes).toEqual([])
  })

  it('does not wait for ever for a frame that dribbles', async () => {
    const { seen, codes } = watch({ partialFrameTimeoutMs: 100 }, { awaitingFrame: true })
    timersAfter(100)
    let polls = 0
    for (; codes.length === 0; polls++) {
      seen.bytesReceived++
      await poll()
    }
    expect(codes).toEqual(['HOST_FRAME_STALLED'])
    expect(polls).toBeLessThan(12)
  })

  it('counts an interval at most for a time in which the process did not run', async () => {
    const { codes } = watch({ idleTimeoutMs: 100 })
    // The clock jumps, and the timer that was due fires once.
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_000)
    timersAfter(25)
    await poll()
    timersAfter(50)
    await poll()
    expect(codes).toEqual([])
    timersAfter(25)
    await poll()
    expect(codes).toEqual(['HOST_IDLE'])
    clock.mockRestore()
  })

  it.each([
    ['a frame', { partialFrameTimeoutMs: 100 }, { awaitingFrame: true }],
    ['any byte', { idleTimeoutMs: 100 }, {}],
  ])(
    'does not hold it against the peer that %s is missing while this side does not read',
    async (_, limits, vitals) => {
      const { seen, codes } = watch(limits, { ...vitals, readingPaused: true })
      timersAfter(1_000)
      await poll()
      expect(codes).toEqual([])
      seen.readingPaused = false
      timersAfter(125)
      await poll()
      expect(codes).toHaveLength(1)
    },
  )

  it('sees the progress of a slow reader, and the lack of it', async () => {
    const { seen, codes } = watch({ unsentTimeoutMs: 100 }, { unsentBytes: 1_000 })
    for (let i = 0; i < 10; i++) {
      timersAfter(75)
      await poll()
      seen.takenBytes++
    }
    expect(codes).toEqual([])
    timersAfter(150)
    await poll()
    expect(codes).toEqual(['HOST_SLOW_READER'])
  })

  it('passes a limit by a quarter at most', async () => {
    const { seen, codes } = watch({ idleTimeoutMs: 100 })
    timersAfter(26)
    seen.bytesReceived = 1
    timersAfter(74)
    await poll()
    expect(codes).toEqual([])
    timersAfter(51)
    await poll()
    expect(codes).toEqual(['HOST_IDLE'])
  })

  it('expects of an ending connection only that it takes what is left', async () => {
    const { seen, codes, watchdog } = watch({
      handshakeTimeoutMs: 100,
      idleTimeoutMs: 100,
      partialFrameTimeoutMs: 100,
      unsentTimeoutMs: 300,
    })
    watchdog.ending()
    timersAfter(1_000)
    await poll()
    expect(codes).toEqual([])
    seen.unsentBytes = 1
    timersAfter(400)
    await poll()
    expect(codes).toEqual(['HOST_SLOW_READER'])
  })

  it('says when a connection is quiet', () => {
    const quiet = vi.fn()
    const seen = { ...NOTHING }
    const watchdog = new Watchdog(
      { ...NO_LIMITS, idleTimeoutMs: 100 },
      () => ({ ...seen }),
      () => {},
      quiet,
    )
    seen.bytesReceived = 1
    timersAfter(25)
    expect(quiet).not.toHaveBeenCalled()
    timersAfter(25)
    expect(quiet).toHaveBeenCalledOnce()
    watchdog.stop()
  })

  it('sets no timer where there is no limit, and none after it stopped', () => {
    const { watchdog } = watch({})
    expect(vi.getTimerCount()).toBe(0)
    watchdog.established(100)
    expect(vi.getTimerCount()).toBe(1)
    watchdog.stop()
    expect(vi.getTimerCount()).toBe(0)
    watchdog.established(100)
    expect(vi.getTimerCount()).toBe(0)
  })
})

/** One poll phase of the event loop, and the check phase after it. */
function poll(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
