import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type AclList,
  COORDINATION_ERRORS,
  ERROR_CODE,
  EVENT_TYPE,
  errorCodeName,
  isValidPath,
  type NodeChange,
  nextZxid,
  OPERATIONS,
  operationByCode,
  parentPath,
  replyError,
  sequenceSuffix,
  Watches,
  ZXID_ZERO,
  zxidAfter,
  zxidFromBigint,
  zxidToBigint,
} from '../../src/coordination/core/index.ts'

describe('paths', () => {
  test('that are allowed', () => {
    for (const path of ['/', '/a', '/a/b', '/.a', '/a..', '/...', '/a/.b/c', '/汉字', '/é', '/ ', '/a\ufeff'])
      expect(isValidPath(path), path).toBe(true)
  })

  test('that are not', () => {
    const wrong = [
      '',
      'a',
      'a/b',
      '//',
      '/a/',
      '/a//b',
      '/.',
      '/..',
      '/a/.',
      '/a/..',
      '/./a',
      '/../a',
      '/a/../b',
    ]
    const characters = [
      '\0',
      '\u0001',
      '\u001f',
      '\u007f',
      '\u009f',
      '\ud800',
      '\u{1f600}',
      '\uf8ff',
      '\ufff0',
      '\uffff',
    ]
    for (const path of [...wrong, ...characters.flatMap((each) => [`/${each}`, `/a${each}/b`])])
      expect(isValidPath(path), JSON.stringify(path)).toBe(false)
  })

  test('have a parent, of which the root is the empty one', () => {
    expect(['/a/b', '/a', '/', 'a'].map(parentPath)).toEqual(['/a', '', '', undefined])
  })

  test('of sequential nodes go on below zero', () => {
    expect([0, 7, 2_147_483_647, -2_147_483_648, -1].map(sequenceSuffix)).toEqual([
      '0000000000',
      '0000000007',
      '2147483647',
      '-2147483648',
      '-000000001',
    ])
  })
})

describe('zxids', () => {
  test('count within an epoch and start over in a higher one', () => {
    expect(nextZxid(ZXID_ZERO, 0)).toEqual({ epoch: 0, counter: 1 })
    expect(nextZxid({ epoch: 2, counter: 9 }, 2)).toEqual({ epoch: 2, counter: 10 })
    expect(nextZxid({ epoch: 2, counter: 9 }, 4)).toEqual({ epoch: 4, counter: 1 })
    expect(nextZxid({ epoch: 2, counter: 9 }, 1)).toEqual({ epoch: 2, counter: 10 })
    expect(nextZxid({ epoch: 2, counter: 0xffff_ffff }, 2)).toEqual({ epoch: 3, counter: 0 })
  })

  test('compare by epoch, then by counter beyond 31 bits', () => {
    expect(zxidAfter({ epoch: 1, counter: 0 }, { epoch: 0, counter: 0xffff_ffff })).toBe(true)
    expect(zxidAfter({ epoch: 1, counter: 0x8000_0000 }, { epoch: 1, counter: 0x7fff_ffff })).toBe(true)
    expect(zxidAfter({ epoch: 1, counter: 5 }, { epoch: 1, counter: 5 })).toBe(false)
  })

  test('are 64 bits to others', () => {
    expect(zxidToBigint({ epoch: 1, counter: 0xffff_ffff })).toBe(0x1_ffff_ffffn)
    expect(zxidFromBigint(0x1_ffff_ffffn)).toEqual({ epoch: 1, counter: 0xffff_ffff })
    expect(zxidFromBigint(-1n)).toEqual(ZXID_ZERO)
  })
})

describe('errors', () => {
  test('have one name for each code of ZooKeeper, and a row each', () => {
    for (const [name, code] of Object.entries(ERROR_CODE)) {
      if (name === 'OK') continue
      expect(errorCodeName(code)).toBe(`COORDINATION_${name}`)
      expect(COORDINATION_ERRORS[errorCodeName(code)].meaning).toContain(`(${code})`)
    }
  })

  test('say what was asked and what was answered', () => {
    const error = replyError(ERROR_CODE.NO_NODE, 'getData /a')
    expect(error).toMatchObject({ code: 'COORDINATION_NO_NODE', outcome: 'not-executed' })
    expect(error.message).toBe('getData /a: NO_NODE (-101)')
    expect(replyError(-77, 'x')).toMatchObject({
      code: 'COORDINATION_ERROR_CODE_UNKNOWN',
      outcome: 'unknown',
    })
  })
})

describe('operations', () => {
  test('are found by their codes, each of which is of one operation', () => {
    for (const operation of OPERATIONS) expect(operationByCode(operation.code)).toBe(operation)
    expect(operationByCode(16)).toBeUndefined()
  })

  test('are those of the table in the README, with code, kind and what they may be part of', () => {
    const readme = readFileSync(new URL('../../src/coordination/core/README.md', import.meta.url), 'utf8')
    const rows = [...readme.matchAll(/^\| (\w+) \| (-?\d+) \| (\w+) \| (\w*)/gm)].map((match) =>
      match.slice(1),
    )
    const expected = OPERATIONS.map(({ name, code, kind, partOf }) => {
      const part = partOf === 'multi' ? 'yes' : (partOf ?? '')
      return [name, String(code), kind, part]
    })
    expect(rows.sort()).toEqual(expected.sort())
  })
})

describe('watches', () => {
  const readable = { permits: () => true } as unknown as AclList
  const hidden = { permits: () => false } as unknown as AclList
  const change = (type: number, path: string, acl = readable, parentAcl: AclList | undefined = readable) =>
    ({
      type,
      path,
      zxid: ZXID_ZERO,
      acl,
      parentAcl: type === EVENT_TYPE.DATA_CHANGED ? undefined : parentAcl,
    }) as NodeChange

  function recorded(): { watches: Watches<object>; fired: string[]; alice: object; bob: object } {
    const alice = { name: 'alice' }
    const bob = { name: 'bob' }
    const fired: string[] = []
    const watches = new Watches<{ name: string }>({
      fired: (type, path, watchers) =>
        fired.push(`${type} ${path} ${[...watchers].map(({ name }) => name).join('+')}`),
    }) as Watches<object>
    return { watches, fired, alice, bob }
  }

  test('fire once, to all who watch at once, and are gone', () => {
    const { watches, fired, alice, bob } = recorded()
    watches.watchData('/a', alice)
    watches.watchData('/a', alice)
    watches.watchData('/a', bob)
    expect(watches.count).toBe(2)
    watches.changed(change(EVENT_TYPE.DATA_CHANGED, '/a'))
    watches.changed(change(EVENT_TYPE.DATA_CHANGED, '/a'))
    expect(fired).toEqual(['3 /a alice+bob'])
    expect(watches.count).toBe(0)
  })

  test('of a deletion fire for the node before its parent, the root among them', () => {
    const { watches, fired, alice, bob } = recorded()
    watches.watchChildren('/', bob)
    watches.watchChildren('/a', alice)
    watches.watchData('/a', bob)
    watches.changed(change(EVENT_TYPE.DELETED, '/a'))
    expect(fired).toEqual(['2 /a bob+alice', '4 / bob'])
  })

  test('of the data are left alone by what happens to children, and the other way round', () => {
    const { watches, fired, alice } = recorded()
    watches.watchData('/a', alice)
    watches.changed(change(EVENT_TYPE.CREATED, '/a/b'))
    watches.watchChildren('/a', alice)
    watches.changed(change(EVENT_TYPE.DATA_CHANGED, '/a'))
    expect(fired).toEqual(['3 /a alice'])
    expect(watches.count).toBe(1)
  })

  test('on what may not be read are used up in silence', () => {
    const { watches, fired, alice } = recorded()
    watches.watchData('/a', alice)
    watches.watchChildren('/', alice)
    watches.changed(change(EVENT_TYPE.CREATED, '/a', hidden, readable))
    expect(fired).toEqual(['4 / alice'])
    expect(watches.count).toBe(0)
  })

  test('go with their connection', () => {
    const { watches, fired, alice, bob } = recorded()
    for (const watcher of [alice, bob]) {
      watches.watchData('/a', watcher)
      watches.watchChildren('/a', watcher)
    }
    watches.remove(alice)
    watches.remove(alice)
    expect(watches.count).toBe(2)
    watches.changed(change(EVENT_TYPE.DELETED, '/a'))
    expect(fired).toEqual(['2 /a bob'])
  })
})
