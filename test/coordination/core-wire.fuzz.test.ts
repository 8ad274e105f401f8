import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { ByteReader } from '../../src/bytes/index.ts'
import {
  CoordinationMachine,
  frameBytes,
  type JuteType,
  OPERATIONS,
  readConnectRequest,
  readConnectResponse,
  replyHeader,
  requestHeader,
  watcherEvent,
} from '../../src/coordination/core/index.ts'
import { valuesOf } from './arbitraries.ts'
import { encoded, MemoryCoordinator } from './memory-coordinator.ts'

const records: readonly [string, JuteType<unknown>][] = [
  ['request header', requestHeader],
  ['reply header', replyHeader],
  ['event', watcherEvent],
  ...OPERATIONS.flatMap(({ name, request, reply }): [string, JuteType<unknown>][] => [
    [`request of ${name}`, request],
    [`reply of ${name}`, reply],
  ]),
]
const decoders: readonly [string, (reader: ByteReader) => unknown][] = [
  ['connect request', readConnectRequest],
  ['connect response', readConnectResponse],
  ['frame', (reader) => frameBytes(reader.bytes(reader.remaining), 0, reader.offset)],
  ...records.map(([name, type]): [string, (reader: ByteReader) => unknown] => [
    name,
    (reader) => type.read(reader),
  ]),
]

describe('what is written can be read', () => {
  for (const [name, type] of records)
    test(name, () => {
      fc.assert(
        fc.property(valuesOf(type), (value) => {
          const bytes = encoded(type, value)
          const reader = new ByteReader(bytes)
          expect(encoded(type, type.read(reader))).toEqual(bytes)
          expect(reader.remaining).toBe(0)
          expect(bytes.length).toBeGreaterThanOrEqual(type.minBytes)
        }),
        { numRuns: 60 },
      )
    })
})

describe('any bytes are either read or refused with a typed error', () => {
  for (const [name, decode] of decoders)
    test(name, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
          expectReadOrRefused(decode, bytes)
        }),
        { numRuns: 150 },
      )
    })

  for (const [name, type] of records)
    test(`${name}, with bytes changed or cut off`, () => {
      fc.assert(
        fc.property(valuesOf(type), fc.nat(), fc.nat(255), fc.nat(), (value, at, byte, cut) => {
          const bytes = encoded(type, value)
          if (bytes.length === 0) return
          bytes[at % bytes.length] = byte
          expectReadOrRefused((reader) => type.read(reader), bytes)
          expectReadOrRefused((reader) => type.read(reader), bytes.subarray(0, cut % bytes.length))
        }),
        { numRuns: 60 },
      )
    })
})

describe('the corpus of tricky bytes', () => {
  const folder = join(import.meta.dirname, 'corpus')
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
  for (const line of lines.filter((each) => each !== '' && !each.startsWith('#'))) {
    const [name, hex = ''] = line.split(':')
    const bytes = Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) =>
      Number.parseInt(pair, 16),
    )
    test(name!, () => {
      for (const [, decode] of decoders) expectReadOrRefused(decode, bytes)
      expectHarmlessRequest(bytes)
      new MemoryCoordinator().apply(bytes)
      expectRefusedSnapshot(bytes)
    })
  }
})

test('a count that the bytes cannot hold is refused before one item is read', () => {
  const { reply } = OPERATIONS.find(({ name }) => name === 'getChildren')!
  const reader = new ByteReader(Uint8Array.from([0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]))
  expect(() => reply.read(reader)).toThrow(expect.objectContaining({ code: 'BYTES_TRUNCATED' }))
  expect(reader.offset).toBe(4)
})

describe('a server survives', () => {
  test('any request: malformed ones are answered with -5, and no tree is left half changed', () => {
    const operation = fc.constantFrom(...OPERATIONS.filter(({ kind }) => kind === 'read' || kind === 'write'))
    const packet = operation.chain((each) =>
      fc.tuple(fc.constant(each), valuesOf(each.request), fc.nat(), fc.nat(255), fc.nat()),
    )
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
        const coordinator = new MemoryCoordinator()
        const connection = coordinator.connect('fuzz')
        for (const [each, request, at, byte, cut] of packets) {
          const body = encoded(each.request, request)
          if (body.length > 0 && cut % 3 > 0) body[at % body.length] = byte
          const sent = cut % 3 === 1 ? body.subarray(0, cut % (body.length + 1)) : body
          coordinator.send(connection, 1, each.code, sent)
          expect(connection.packets.at(-1)?.length).toBeGreaterThanOrEqual(16)
        }
        expect(restored(coordinator.machine).digest()).toBe(coordinator.machine.digest())
      }),
      { numRuns: 200 },
    )
  })

  test('any entry: all nodes that apply it agree', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 10 }), (entries) => {
        const first = new MemoryCoordinator()
        const second = new MemoryCoordinator()
        for (const tail of entries) {
          const entry = Uint8Array.from([1, (tail[0] ?? 0) % 7, ...tail.subarray(1)])
          first.apply(entry)
          second.apply(entry)
        }
        expect(second.told).toEqual(first.told)
        expect(second.machine.digest()).toBe(first.machine.digest())
        expect(restored(first.machine).digest()).toBe(first.machine.digest())
      }),
      { numRuns: 300 },
    )
  })

  test('any snapshot: with a byte changed it is refused, or is the same state', () => {
    const coordinator = new MemoryCoordinator()
    const connection = coordinator.connect('fuzz')
    coordinator.request(connection, 1, OPERATIONS.find(({ name }) => name === 'create')!, {
      path: '/a',
      data: new Uint8Array(5),
      acl: [{ permissions: 31, id: { scheme: 'world', id: 'anyone' } }],
      flags: 1,
    })
    const snapshot = snapshotOf(coordinator.machine)
    fc.assert(
      fc.property(fc.nat(snapshot.length - 1), fc.nat(255), (at, byte) => {
        const damaged = snapshot.slice()
        damaged[at] = byte
        const machine = new CoordinationMachine()
        try {
          const loader = machine.restore()
          loader.add(damaged)
          loader.finish()
        } catch (error) {
          expect(isFenbuError(error, 'COORDINATION_SNAPSHOT_INVALID')).toBe(true)
          expect(machine.digest()).toBe(new CoordinationMachine().digest())
          return
        }
        expect(machine.digest()).toBe(coordinator.machine.digest())
      }),
      { numRuns: 1_500 },
    )
  })
})

function expectReadOrRefused(decode: (reader: ByteReader) => unknown, bytes: Uint8Array): void {
  try {
    decode(new ByteReader(bytes))
  } catch (error) {
    if (!isFenbuError(error)) throw error
    expect(error.code).toMatch(/^(BYTES_|COORDINATION_PACKET_TOO_LARGE)/)
  }
}

function expectHarmlessRequest(bytes: Uint8Array): void {
  const coordinator = new MemoryCoordinator()
  const connection = coordinator.connect('corpus')
  for (const { code, kind } of OPERATIONS) if (kind !== 'close') coordinator.send(connection, 1, code, bytes)
  expect(restored(coordinator.machine).digest()).toBe(coordinator.machine.digest())
}

function expectRefusedSnapshot(bytes: Uint8Array): void {
  const loader = new CoordinationMachine().restore()
  expect(() => {
    loader.add(bytes)
    loader.finish()
  }).toThrow(expect.objectContaining({ code: 'COORDINATION_SNAPSHOT_INVALID' }))
}

function snapshotOf(machine: CoordinationMachine): Uint8Array {
  const cursor = machine.snapshot()
  const bytes = cursor.next(1_000_000)!
  cursor.close()
  return bytes
}

function restored(machine: CoordinationMachine): CoordinationMachine {
  const copy = new CoordinationMachine()
  const loader = copy.restore()
  loader.add(snapshotOf(machine))
  loader.finish()
  return copy
}
