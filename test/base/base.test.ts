import { describe, expect, it } from 'vitest'
import {
  AssertionError,
  assert,
  checkKnownOptions,
  errorFactory,
  FenbuError,
  isFenbuError,
  oneOfOption,
  shown,
  stringOption,
  wholeNumberOption,
} from '../../src/base/index.ts'

const shopError = errorFactory({
  SHOP_SOLD_OUT: { outcome: 'not-executed', meaning: 'Nothing left.', remedy: 'Order less.' },
})

describe('a FenbuError', () => {
  it('carries the code and the outcome of its table, unless the thrower knows better', () => {
    expect(shopError('SHOP_SOLD_OUT', 'no HHKB键盘 left')).toMatchObject({
      name: 'FenbuError',
      code: 'SHOP_SOLD_OUT',
      outcome: 'not-executed',
      message: 'no HHKB键盘 left',
    })
    const cause = new Error('disk')
    const error = shopError('SHOP_SOLD_OUT', 'unclear', { outcome: 'unknown', cause })
    expect([error.outcome, error.cause]).toEqual(['unknown', cause])
  })

  it('is recognised by name and code, also when it comes from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), {
      name: 'FenbuError',
      code: 'SHOP_SOLD_OUT',
      outcome: 'unknown',
    })
    expect(isFenbuError(foreign, 'SHOP_SOLD_OUT')).toBe(true)
    expect(isFenbuError(foreign, 'SHOP_CLOSED')).toBe(false)
    expect(isFenbuError(new Error('x'))).toBe(false)
    expect(isFenbuError({ name: 'FenbuError', code: 'SHOP_SOLD_OUT' })).toBe(false)
  })
})

describe('options', () => {
  it('name the option, the value given and what is allowed', () => {
    expect(() => wholeNumberOption('connect', 'timeoutMs', -1, 1000, 1, 60_000)).toThrow(
      'connect: timeoutMs is -1; allowed: a whole number from 1 to 60000',
    )
    expect(() =>
      oneOfOption('service', 'loadBalance', 'fastest', 'random', ['random', 'round-robin']),
    ).toThrow('service: loadBalance is "fastest"; allowed: random, round-robin')
    expect(() => stringOption('connect', 'name', '', 'app')).toThrow(
      'connect: name is ""; allowed: a non-empty string',
    )
    expect(() => checkKnownOptions('connect', { timeout: 1 }, ['timeoutMs'])).toThrow(
      'connect: there is no option "timeout"; options: timeoutMs',
    )
  })

  it('fall back only where nothing was given', () => {
    expect(wholeNumberOption('x', 'y', undefined, 7, 0)).toBe(7)
    expect(() => wholeNumberOption('x', 'y', null, 7, 0)).toThrow('y is null')
    expect(() => wholeNumberOption('x', 'y', Number.NaN, 7, 0)).toThrow('y is NaN')
    expect(() => wholeNumberOption('x', 'y', 1.5, 7, 0)).toThrow('y is 1.5')
  })

  it('are shown shortened, so that a message stays a message', () => {
    expect(shown('a'.repeat(200)).length).toBeLessThan(90)
    expect(shown({ secret: 1 })).toBe('an object')
  })
})

describe('assert', () => {
  it('throws an AssertionError, which is no FenbuError: it is a bug', () => {
    expect(() => assert(false, 'two leaders')).toThrow(AssertionError)
    expect(() => assert(false, 'two leaders')).not.toThrow(FenbuError)
    assert(true, 'fine')
  })
})
