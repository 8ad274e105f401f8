import { ByteReader } from '../../src/bytes/index.ts'
import {
  type Acl,
  type AnyOperation,
  ERROR_CODE,
  OPEN_ACL,
  operations,
  replyHeader,
  type Stat,
  watcherEvent,
} from '../../src/coordination/core/index.ts'
import { encoded } from './memory-coordinator.ts'

const NO_BYTES = new Uint8Array(0)
/** Watches are said to be as old as one of the first so many transactions. */
const ZXID_SEEN_MAX = 3_000

export type Random = (below: number) => number

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const PARENTS = ['/a', '/b', '/c', '/a/x', '/a/y', '/b/x', '/a/x/deep', '/b/x/deep']
const ODD_PATHS = [
  '',
  '/',
  'a',
  'a/b',
  '/a/',
  '/a//b',
  '//',
  '/.',
  '/a/.',
  '/a/..',
  '/a/.b',
  '/a/..b',
  '/a\0',
  '/\u0001',
  '/a/\u007f',
  '/a/\ufff0',
  '/a/é',
  '/a/汉',

  '/a/\ue000',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/x',
  '/zookeeper/config/x',
  '/none/x',
  '/a/constructor',
  '/__proto__',
]
const ACLS: readonly (readonly Acl[])[] = [
  [],
  [{ permissions: 1, id: { scheme: 'world', id: 'anyone' } }],
  [{ permissions: 30, id: { scheme: 'world', id: 'anyone' } }],
  [{ permissions: 27, id: { scheme: 'world', id: 'anyone' } }],
  [{ permissions: 15, id: { scheme: 'world', id: 'anyone' } }],
  [
    { permissions: 23, id: { scheme: 'world', id: 'anyone' } },
    { permissions: 31, id: { scheme: 'digest', id: 'u:hash' } },
  ],
  [
    { permissions: 16, id: { scheme: 'world', id: 'anyone' } },
    { permissions: 31, id: { scheme: 'digest', id: 'u:hash' } },
  ],
  [...OPEN_ACL, ...OPEN_ACL],
  [{ permissions: 31, id: { scheme: 'auth', id: '' } }],
  [{ permissions: 31, id: { scheme: 'digest', id: 'nocolon' } }],
  [{ permissions: 31, id: { scheme: 'digest', id: 'a:' } }],
  [{ permissions: 31, id: { scheme: 'digest', id: ':b' } }],
  [{ permissions: 31, id: { scheme: 'digest', id: 'a:b:' } }],
  [{ permissions: 31, id: { scheme: 'digest', id: 'a:b:c' } }],
  [{ permissions: 31, id: { scheme: 'nonsense', id: 'x' } }],
  [{ permissions: 31, id: { scheme: 'world', id: 'nobody' } }],
  [{ permissions: 0, id: { scheme: 'world', id: 'anyone' } }],
]

/** A request as bytes; now and then they are cut short, or go on after the end. */
export function randomPacket(random: Random): { operation: AnyOperation; body: Uint8Array; text: string } {
  if (random(80) === 0) return { operation: operations.closeSession, body: NO_BYTES, text: 'closeSession' }
  const { operation, request } = randomRequest(random)
  const body = encoded(operation.request, request)
  const text = `${operation.name} ${shown(request)}`
  if (operation === operations.sync || random(30) > 0) return { operation, body, text }
  if (random(2) === 0) {
    const cut = body.subarray(0, random(body.length))
    return { operation, body: cut, text: `${text} cut to ${cut.length} bytes` }
  }
  return { operation, body: Buffer.concat([body, new Uint8Array(3)]), text: `${text} and 3 bytes` }
}

export function randomRequest(random: Random): { operation: AnyOperation; request: unknown } {
  const kinds = [
    'create',
    'create',
    'create',
    'create2',
    'create2',
    'deleteNode',
    'deleteNode',
    'setData',
    'setData',
    'exists',
    'getData',
    'getChildren',
    'getChildren2',
    'getAcl',
    'setAcl',
    'multi',
    'multi',
    'multiRead',
    'sync',
    'setWatches',
    'getEphemerals',
    'getAllChildrenNumber',
  ] as const
  const kind = kinds[random(kinds.length)]!
  const operation = operations[kind] as AnyOperation
  return { operation, request: requestFor(kind, random) }
}

function requestFor(kind: string, random: Random): unknown {
  switch (kind) {
    case 'create':
    case 'create2':
      return { path: createdPath(random), data: data(random), acl: acls(random), flags: flags(random) }
    case 'deleteNode':
    case 'check':
      return { path: path(random), version: version(random) }
    case 'setData':
      return { path: path(random), data: data(random), version: version(random) }
    case 'setAcl':
      return { path: path(random), acl: acls(random), version: version(random) }
    case 'multi':
      return Array.from({ length: random(5) }, () =>
        part(['create', 'create2', 'deleteNode', 'setData', 'check'], random),
      )
    case 'multiRead':
      return Array.from({ length: random(5) }, () => part(['getData', 'getChildren'], random))
    case 'setWatches':
      return {
        relativeZxid: BigInt(random(ZXID_SEEN_MAX)),
        data: Array.from({ length: random(3) }, () => path(random)),
        exist: Array.from({ length: random(3) }, () => path(random)),
        children: Array.from({ length: random(3) }, () => path(random)),
      }
    case 'getAllChildrenNumber':
      // Of the path '' ZooKeeper counts the root as a child.
      return { path: path(random) || '/' }
    case 'getEphemerals':
      return { prefix: ['/', '', ' ', null, '/a', '/a/x', '/b/'][random(7)] }
    default:
      return { path: path(random), watch: random(2) === 0 }
  }
}

function part(kinds: readonly string[], random: Random): unknown {
  const kind = kinds[random(kinds.length)]!
  const request = requestFor(kind, random) as { flags?: number }
  // A TTL flag in a multi makes ZooKeeper fail as a whole with MARSHALLING: here it is a result of -6.
  if (request.flags === 5 || request.flags === 6) request.flags = 0
  return { operation: operations[kind as 'create'], request }
}

/** ZooKeeper sends supplementary characters back as two surrogates, not as UTF-8, so only creates have them. */
function createdPath(random: Random): string {
  return random(60) === 0 ? '/a/\u{1f600}' : path(random)
}

function path(random: Random): string {
  if (random(12) === 0) return ODD_PATHS[random(ODD_PATHS.length)]!
  return PARENTS[random(PARENTS.length)]!
}

function data(random: Random): Uint8Array | null {
  return random(6) === 0 ? null : new Uint8Array(random(40)).fill(random(256))
}

function version(random: Random): number {
  return random(2) === 0 ? -1 : random(4)
}

function acls(random: Random): readonly Acl[] {
  return random(6) === 0 ? ACLS[random(ACLS.length)]! : OPEN_ACL
}

/** Containers and TTL nodes are left out: they are refused, where ZooKeeper creates containers. */
function flags(random: Random): number {
  return random(15) === 0 ? [5, 6, 7, -1][random(4)]! : random(4)
}

/** A packet as text, without what must differ: times, session ids, the order of children. */
export function described(
  packet: Uint8Array,
  operation: AnyOperation,
  owners: ReadonlyMap<bigint, bigint>,
): unknown {
  const reader = new ByteReader(packet)
  const header = replyHeader.read(reader)
  if (header.xid === -1) return { ...header, ...watcherEvent.read(reader) }
  if (header.error !== ERROR_CODE.OK) return { ...header, rest: reader.remaining }
  const reply = operation.reply.read(reader)
  return { ...header, reply: plain(reply, owners), rest: reader.remaining }
}

function plain(value: unknown, owners: ReadonlyMap<bigint, bigint>): unknown {
  if (value instanceof Uint8Array) return Array.from(value)
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item, owners))
    return items.every((item) => typeof item === 'string') ? items.sort() : items
  }
  if (typeof value !== 'object' || value === null) return value
  if ('czxid' in value) return plainStat(value as Stat, owners)
  if ('operation' in value)
    return { ...plainFields(value, owners), operation: (value.operation as AnyOperation | undefined)?.name }
  return plainFields(value, owners)
}

function plainFields(value: object, owners: ReadonlyMap<bigint, bigint>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'operation')
      .map(([name, item]) => [name, plain(item, owners)]),
  )
}

function plainStat(stat: Stat, owners: ReadonlyMap<bigint, bigint>): unknown {
  const { ephemeralOwner } = stat
  return {
    ...stat,
    ctime: 'masked',
    mtime: 'masked',
    ephemeralOwner: owners.get(ephemeralOwner) ?? ephemeralOwner,
  }
}

export function shown(request: unknown): string {
  return JSON.stringify(request, (key, value) => {
    if (key === 'operation') return (value as AnyOperation).name
    if (typeof value === 'bigint') return String(value)
    return value instanceof Uint8Array ? `${value.length} bytes` : value
  })
}
