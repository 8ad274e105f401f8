import { describe, expect, test } from 'vitest'
import { type ClaimHolder, isLiving, thisHolder } from '../../src/host/claim-holder.ts'

const OUTERMOST = 'pid:[4026531836]'
const here: ClaimHolder = { pid: 1, start: '5', boot: 'b', namespace: OUTERMOST, machine: 'host id' }
const dead = 999_999_999

describe('the holder of a claim', () => {
  test.each<[string, boolean | undefined, ClaimHolder, ClaimHolder]>([
    ['is dead here', false, { ...here, pid: dead }, here],
    ['cannot be seen in another container', undefined, { ...here, pid: dead, namespace: 'other' }, here],
    ['cannot be seen on another machine', undefined, { ...here, boot: 'c', machine: 'other id' }, here],
    ['is dead when this machine was started anew', false, { ...here, boot: 'c' }, here],
    [
      'cannot be seen when a container has the same name elsewhere',
      undefined,
      { ...here, boot: 'c', namespace: 'n' },
      { ...here, namespace: 'n' },
    ],
    [
      'cannot be seen when machines have no id',
      undefined,
      { ...here, boot: 'c', machine: 'host ' },
      { ...here, machine: 'host ' },
    ],
  ])('%s', (_title, expected, holder, judge) => {
    expect(isLiving(holder, judge)).toBe(expected)
  })

  test('lives if it is this process, and not if it only has its number', () => {
    expect(isLiving(thisHolder())).toBe(true)
    if (process.platform === 'linux') expect(isLiving({ ...thisHolder(), start: '1' })).toBe(false)
  })
})
