import { describe, expect, it } from 'vitest'
import { compareVersions, VersionRange } from '../../src/rpc/core/index.ts'

describe('a range of versions', () => {
  it.each([
    ['*', '0.0.0 1.2.3 9.9.9 1.0.0-rc.1', ''],
    ['1.2.3', '1.2.3', '1.2.4 1.2.2 1.2.3-rc.1'],
    ['1.2.3-rc.1', '1.2.3-rc.1', '1.2.3 1.2.3-rc.2'],
    ['1', '1.0.0 1.9.9', '0.9.9 2.0.0'],
    ['1.x', '1.0.0 1.9.9', '0.9.9 2.0.0'],
    ['1.x.x', '1.0.0 1.9.9', '2.0.0'],
    ['1.2', '1.2.0 1.2.9', '1.1.9 1.3.0'],
    ['1.2.x', '1.2.0 1.2.9', '1.1.9 1.3.0'],
    ['^1', '1.0.0 1.9.9', '0.9.9 2.0.0 1.5.0-rc.1'],
    ['^1.2', '1.2.0 1.9.9', '1.1.9 2.0.0'],
    ['^1.2.3', '1.2.3 1.3.0', '1.2.2 2.0.0'],
    ['^0', '0.0.0 0.9.9', '1.0.0'],
    ['^0.2', '0.2.0 0.2.9', '0.1.9 0.3.0 1.0.0'],
    ['^0.2.3', '0.2.3 0.2.9', '0.2.2 0.3.0'],
    ['^0.0.3', '0.0.3', '0.0.2 0.0.4'],
  ])('%s takes %s and not %s', (text, taken, left) => {
    const range = VersionRange.parse('test', text)
    for (const version of words(taken)) expect(range.includes(version), version).toBe(true)
    for (const version of words(left)) expect(range.includes(version), version).toBe(false)
  })

  it.each(['', 'latest', '1.2.3.4', '>1', '~1.2', '1.x.3', '^x', '1..2', 'v1', '-1', '1e9'])(
    'cannot be written %j',
    (text) => {
      expect(() => VersionRange.parse('test', text)).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID' }),
      )
    },
  )
})

it('versions follow their numbers, and what comes before a release its release', () => {
  const sorted = ['nonsense', '0.9.0', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0']
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted)
})

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}
