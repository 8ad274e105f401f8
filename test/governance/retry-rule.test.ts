import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mayRetry, PATIENCE_MS_MIN, patienceMs } from '../../src/governance/core/index.ts'

it('tries a call again only if it surely did not run, or running it twice does no harm', () => {
  const attempt = 1
  const retries = 2
  expect(mayRetry({ attempt, surelyNotRun: false }, { retries, idempotent: false })).toBe(false)
  expect(mayRetry({ attempt, surelyNotRun: false }, { retries, idempotent: true })).toBe(true)
  expect(mayRetry({ attempt, surelyNotRun: true }, { retries, idempotent: false })).toBe(true)
})

it('tries a call no more often than it was told to', () => {
  const policy = { retries: 2, idempotent: true }
  expect(mayRetry({ attempt: 2, surelyNotRun: true }, policy)).toBe(true)
  expect(mayRetry({ attempt: 3, surelyNotRun: true }, policy)).toBe(false)
  expect(mayRetry({ attempt: 1, surelyNotRun: true }, { retries: 0, idempotent: true })).toBe(false)
})

it('gives every attempt that is left its share of the time that is left', () => {
  expect(patienceMs(900, 1, 2)).toBe(300)
  expect(patienceMs(600, 2, 2)).toBe(300)
  expect(patienceMs(300, 3, 2)).toBe(300)
  expect(patienceMs(90, 1, 2)).toBe(50)
  expect(patienceMs(20, 1, 2)).toBe(20)
})

it('never waits longer for an instance than there is time, and leaves all of it to the last attempt', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 10 }),
      (timeoutMs, retries) => {
        let leftMs = timeoutMs
        for (let attempt = 1; attempt <= retries + 1; attempt++) {
          const share = patienceMs(leftMs, attempt, retries)
          expect(share).toBeLessThanOrEqual(leftMs)
          expect(share).toBeGreaterThanOrEqual(Math.min(leftMs, PATIENCE_MS_MIN))
          leftMs -= share
        }
        expect(leftMs).toBeCloseTo(0)
      },
    ),
  )
})
