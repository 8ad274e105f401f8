import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader } from '../../src/bytes/index.ts'
import {
  CoordinationMachine,
  ERROR_CODE,
  type MultiResult,
  OPEN_ACL,
  type Operation,
  operations,
  replyHeader,
  type Stat,
  watcherEvent,
  zxidToBigint,
} from '../../src/coordination/core/index.ts'
import { type MemoryConnection, MemoryCoordinator } from './memory-coordinator.ts'
import { type ModelEvent, type ModelWrite, TreeModel } from './tree-model.ts'

const NAMES = ['alice', 'bob'] as const
const paths = fc.constantFrom('/', '/zookeeper', '/a', '/b', '/a/x', '/a/y', '/a/x/z', '/b/e')
const versions = fc.constantFrom(-1, -1, -1, 0, 1, 2)
const texts = fc.string({ maxLength: 6 })

const write: fc.Arbitrary<ModelWrite> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('create' as const),
      path: paths,
      data: texts,
      ephemeral: fc.boolean(),
      sequential: fc.nat(3).map((n) => n === 0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('delete' as const), path: paths, version: versions }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('setData' as const),
      path: paths,
      data: texts,
      version: versions,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('check' as const), path: paths, version: versions }),
  },
)
const who = fc.constantFrom(...NAMES)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), who, write }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('multi' as const),
      who,
      writes: fc.array(write, { maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('watch' as const),
      who,
      path: paths,
      kind: fc.constantFrom('data' as const, 'children' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      who,
      how: fc.constantFrom('close' as const, 'expire' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('move' as const), who }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

test('whatever is done, replies, events and the tree are those of a model that is slow and plain', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pair = new Pair()
      for (const each of steps) pair.run(each)
      pair.compareTrees()
      pair.compareCopies()
    }),
    { numRuns: 400 },
  )
})

/** The machine and the model side by side. */
class Pair {
  readonly #machine = new MemoryCoordinator()
  readonly #model = new TreeModel()
  readonly #connections = new Map<string, MemoryConnection>()

  constructor() {
    for (const name of NAMES) this.#open(name)
  }

  run(step: Step): void {
    const connection = this.#connections.get(step.who)!
    if (step.type === 'write') this.#write(connection, [step.write], false)
    else if (step.type === 'multi') this.#write(connection, step.writes, true)
    else if (step.type === 'watch') this.#watch(connection, step.path, step.kind)
    else if (step.type === 'end') this.#end(connection, step.how)
    else this.#move(connection)
  }

  compareTrees(): void {
    const { tree } = this.#machine.machine
    expect([...tree.nodes()].map(({ path }) => path).sort()).toEqual(this.#model.paths)
    for (const path of this.#model.paths) {
      const expected = this.#model.get(path)!
      const children = this.#model.children(path)
      const alice = this.#connections.get('alice')!
      const listed = this.#reply(alice, operations.getChildren2, { path, watch: false })
      expect([...listed.children].sort(), path).toEqual(children)
      const { data, stat } = this.#reply(alice, operations.getData, { path, watch: false })
      expect(new TextDecoder().decode(data!), path).toBe(expected.data)
      expect(shownStat(stat), path).toEqual({
        czxid: expected.czxid,
        mzxid: expected.mzxid,
        pzxid: expected.pzxid,
        version: expected.version,
        cversion: 2 * expected.creates - children.length,
        owner: expected.owner === undefined ? 0n : this.#connections.get(expected.owner)!.session.id,
        dataLength: data!.length,
        numChildren: children.length,
      })
    }
    this.#compareSessions()
  }

  /** The same entries give the same state and say the same; a snapshot of it is it. */
  compareCopies(): void {
    const again = new MemoryCoordinator()
    for (const { data } of this.#machine.entries) again.apply(data)
    expect(again.told).toEqual(this.#machine.told)
    expect(again.machine.digest()).toBe(this.#machine.machine.digest())
    const cursor = this.#machine.machine.snapshot()
    const restored = new CoordinationMachine()
    const loader = restored.restore()
    for (let chunk = cursor.next(64); chunk !== undefined; chunk = cursor.next(64)) loader.add(chunk)
    loader.finish()
    expect(restored.digest()).toBe(this.#machine.machine.digest())
    expect(restored.zxid).toEqual(this.#machine.machine.zxid)
  }

  #compareSessions(): void {
    const { machine } = this.#machine
    const owned = [...machine.sessions()].flatMap(({ ephemerals }) => [...ephemerals]).sort()
    expect(owned).toEqual(this.#model.paths.filter((path) => this.#model.get(path)!.owner !== undefined))
    expect(machine.sessionCount).toBe(NAMES.length)
  }

  #write(connection: MemoryConnection, writes: readonly ModelWrite[], multi: boolean): void {
    const parts = writes.map(requestOf)
    if (multi) this.#machine.request(connection, 1, operations.multi, parts as never)
    else
      this.#machine.request(
        connection,
        1,
        parts[0]!.operation as typeof operations.create,
        parts[0]!.request as never,
      )
    const { errors, events } = this.#model.write(writes, connection.name)
    const reply = this.#takeReply(connection, events)
    if (multi) {
      const results: readonly MultiResult[] = operations.multi.reply.read(reply.body)
      expect(results.map(({ error }) => error)).toEqual(errors)
    } else expect(reply.error).toBe(errors[0])
    expect(reply.zxid).toBe(BigInt(this.#model.zxid))
  }

  #watch(connection: MemoryConnection, path: string, kind: 'data' | 'children'): void {
    const operation = kind === 'data' ? operations.exists : operations.getChildren
    this.#machine.request(connection, 1, operation, { path, watch: true })
    const exists = this.#model.get(path) !== undefined
    if (exists || kind === 'data') this.#model.watch(kind, path, connection.name)
    expect(this.#takeReply(connection, new Map()).error).toBe(exists ? ERROR_CODE.OK : ERROR_CODE.NO_NODE)
  }

  #end(connection: MemoryConnection, how: 'close' | 'expire'): void {
    if (how === 'close') this.#machine.request(connection, 1, operations.closeSession, undefined)
    else {
      this.#machine.batch.expire(connection.session, connection.session.lastIndex)
      this.#machine.flush()
    }
    const events = this.#model.end(connection.name)
    this.#model.unwatch(connection.name)
    connection.packets.length = 0
    events.delete(connection.name)
    this.#takeEvents(events)
    this.#open(connection.name)
  }

  /** Another connection for the same session: watches stay behind, nodes do not. */
  #move(connection: MemoryConnection): void {
    this.#connections.set(
      connection.name,
      this.#machine.resume(connection.name, connection.session.id, connection.session.password)!,
    )
    this.#model.unwatch(connection.name)
  }

  #open(name: string): void {
    this.#connections.set(name, this.#machine.connect(name))
    this.#model.zxid += 1
  }

  /** The reply of the last request, after exactly these events on every connection. */
  #takeReply(
    connection: MemoryConnection,
    events: ReadonlyMap<string, ModelEvent[]>,
  ): { error: number; zxid: bigint; body: ByteReader } {
    const body = new ByteReader(connection.packets.pop()!)
    const { error, zxid } = replyHeader.read(body)
    expect(zxid).toBe(zxidToBigint(this.#machine.machine.zxid))
    this.#takeEvents(events)
    return { error, zxid, body }
  }

  #takeEvents(events: ReadonlyMap<string, ModelEvent[]>): void {
    for (const { name, packets } of this.#connections.values()) {
      const seen = packets.splice(0).map((packet) => {
        const reader = new ByteReader(packet)
        replyHeader.read(reader)
        const { type, path } = watcherEvent.read(reader)
        return { type, path }
      })
      expect(seen, `events of ${name}`).toEqual(events.get(name) ?? [])
    }
  }

  #reply<Reply>(
    connection: MemoryConnection,
    operation: Operation<PathWatch, Reply>,
    request: PathWatch,
  ): Reply {
    this.#machine.request(connection, 1, operation, request)
    return operation.reply.read(this.#takeReply(connection, new Map()).body)
  }
}

interface PathWatch {
  readonly path: string
  readonly watch: boolean
}

function requestOf(write: ModelWrite): { operation: unknown; request: unknown } {
  const data = 'data' in write ? new TextEncoder().encode(write.data) : undefined
  if (write.type === 'create') {
    const flags = (write.ephemeral ? 1 : 0) + (write.sequential ? 2 : 0)
    return { operation: operations.create, request: { path: write.path, data, acl: OPEN_ACL, flags } }
  }
  const operation = { delete: operations.deleteNode, setData: operations.setData, check: operations.check }[
    write.type
  ]
  return { operation, request: { path: write.path, data, version: write.version } }
}

function shownStat(stat: Stat): Record<string, unknown> {
  return {
    czxid: Number(stat.czxid),
    mzxid: Number(stat.mzxid),
    pzxid: Number(stat.pzxid),
    version: stat.version,
    cversion: stat.cversion,
    owner: stat.ephemeralOwner,
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  }
}
