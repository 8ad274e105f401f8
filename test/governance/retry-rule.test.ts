import { expect, it } from 'vitest'
import { mayRetry, patienceMs } from '../../src/governance/core/index.ts'

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
