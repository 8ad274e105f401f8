import { describe, expect, test } from 'vitest'
import { ByteReader } from '../../src/bytes/index.ts'
// Past the door: these limits take billions of requests to reach from outside.
import { AclTable } from '../../src/coordination/core/acl-table.ts'
import { OPEN_ACL, type Stat, stat, type Zxid } from '../../src/coordination/core/index.ts'
import { Node, newImage } from '../../src/coordination/core/node.ts'
import { STAT_OFFSET } from '../../src/coordination/core/wire/stat.ts'

const NO_DATA = new Uint8Array(0)
const at = (epoch: number, counter: number): Zxid => ({ epoch, counter })

describe('the figures of a node at their limits', () => {
  test('a version skips -1, which would mean any, and goes on below', () => {
    expect(versionAfter(-2)).toBe(0)
    expect(versionAfter(2_147_483_647)).toBe(-2_147_483_648)
  })

  test('the counter of creates goes on at its minimum, and cversion with it', () => {
    const node = nodeWith(() => {})
    node.creates = 2_147_483_647
    node.addChild('a', at(1, 1))
    expect(node.creates).toBe(-2_147_483_648)
    expect(statOf(node)).toMatchObject({ cversion: -1, numChildren: 1 })
  })

  test('a zxid is later than another by all of its 32 bits', () => {
    const node = nodeWith(() => {})
    node.replaceData(NO_DATA, at(1, 0x8000_0000), 0, true)
    expect(node.changedAfter(at(1, 0x7fff_ffff))).toBe(true)
    expect(node.changedAfter(at(1, 0x8000_0000))).toBe(false)
    expect(node.changedAfter(at(0, 0xffff_ffff))).toBe(true)
    node.addChild('a', at(2, 0xffff_ffff))
    expect(node.childrenChangedAfter(at(2, 0xffff_fffe))).toBe(true)
    expect(node.childrenChangedAfter(at(3, 0))).toBe(false)
    expect(statOf(node)).toMatchObject({ mzxid: 0x1_8000_0000n, pzxid: 0x2_ffff_ffffn })
  })

  test('times beyond 32 bits keep their high half', () => {
    const node = nodeWith(() => {})
    node.replaceData(NO_DATA, at(1, 1), 1_700_000_000_123, true)
    expect(statOf(node).mtime).toBe(1_700_000_000_123n)
  })
})

function versionAfter(version: number): number {
  const node = nodeWith((view, statAt) => view.setInt32(statAt + STAT_OFFSET.VERSION, version))
  node.replaceData(NO_DATA, at(1, 1), 0, true)
  return node.version
}

function nodeWith(change: (view: DataView, statAt: number) => void): Node {
  const image = newImage(NO_DATA, at(0, 1), 0, undefined)
  change(new DataView(image.buffer), 4)
  return new Node('/a', image, new AclTable().resolve(OPEN_ACL)!, undefined)
}

function statOf(node: Node): Stat {
  return stat.read(new ByteReader(node.stat))
}
