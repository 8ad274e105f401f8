import { describe, expect, test } from 'vitest'
import type {
  Entry,
  Instant,
  LogIndex,
  LogInput,
  LogOutput,
  LogWrite,
  Message,
  NodeId,
  RequestId,
  WriteId,
} from '../../src/consensus/index.ts'
import { LocalLog, type RecoveredState } from '../../src/storage/index.ts'

const NOTHING: RecoveredState = {
  hardState: undefined,
  snapshotIndex: 0,
  snapshotEpoch: 0,
  snapshotLeaseMs: 0,
  lastIndex: 0,
  lastEntry: undefined,
}

/** Notes what the log asks for, one line each. */
class Recorder implements LogOutput<Message> {
  readonly lines: string[] = []
  readonly writes: LogWrite[] = []
  readonly entries: Entry[] = []

  persist(write: LogWrite): void {
    this.writes.push(write)
    const state = write.hardState ? ' state' : ''
    this.lines.push(`persist ${write.id}${state} [${write.entries.map(({ index }) => index)}]`)
  }

  committed(entries: readonly Entry[]): void {
    this.entries.push(...entries)
    this.lines.push(`committed [${entries.map(({ index }) => index)}]`)
  }

  proposalEnded(id: RequestId, end: { type: string }): void {
    this.lines.push(`proposal ${id} ${end.type}`)
  }

  answerRead(id: RequestId, index: LogIndex): void {
    this.lines.push(`read ${id} at ${index}`)
  }

  readLog(from: LogIndex, to: LogIndex): void {
    this.lines.push(`load ${from} to ${to}`)
  }

  dropped(reason: string): void {
    this.lines.push(`dropped: ${reason}`)
  }

  sendNow(): void {
    this.lines.push('send')
  }

  sendAfter(): void {
    this.lines.push('send')
  }

  sendSnapshot(): void {
    this.lines.push('send')
  }

  readRejected(): void {
    this.lines.push('read rejected')
  }

  trace(): void {}
}

class Bench {
  readonly out = new Recorder()
  readonly log: LocalLog

  constructor(recovered: Partial<RecoveredState> = {}) {
    this.log = new LocalLog('one' as NodeId, { ...NOTHING, ...recovered })
  }

  /** What the log asks for because of this input. */
  step(input: LogInput<Message>): string[] {
    const before = this.out.lines.length
    this.log.step(input, this.out)
    return this.out.lines.slice(before)
  }

  tick(now: Instant = at(0)): string[] {
    return this.step({ type: 'tick', now })
  }

  propose(id: number, now: Instant = at(0), data = new Uint8Array(1)): string[] {
    return this.step({ type: 'propose', id: id as RequestId, now, data })
  }

  read(id: number): string[] {
    return this.step({ type: 'read', id: id as RequestId, now: at(0) })
  }

  written(id: number): string[] {
    return this.step({ type: 'written', id: id as WriteId })
  }

  loaded(...indices: number[]): string[] {
    return this.step({ type: 'entries-read', entries: indices.map((index) => entry(index)) })
  }
}

const at = (monotonicMs: number, wallMs = 1000): Instant => ({ monotonicMs, wallMs })

function entry(index: number, epoch = 1, leaseMs = 0): Entry {
  return { index, epoch, leaseMs, wallMs: 0, data: new Uint8Array(0) } as unknown as Entry
}

describe('a log of one node', () => {
  test('commits a proposal once it is durable, and not before', () => {
    const bench = new Bench()
    expect(bench.tick()).toEqual(['persist 1 state []'])
    expect(bench.propose(1)).toEqual(['persist 2 [1]'])
    expect(bench.propose(2)).toEqual(['persist 3 [2]'])
    expect(bench.written(1)).toEqual([])
    expect(bench.written(2)).toEqual(['committed [1]', 'proposal 1 committed'])
    expect(bench.written(3)).toEqual(['committed [2]', 'proposal 2 committed'])
    expect(bench.log.status()).toMatchObject({ role: 'leader', leader: 'one', lastIndex: 2, commitIndex: 2 })
  })

  test('answers a read with everything that was acknowledged, and does not wait for what was not', () => {
    const bench = new Bench()
    bench.tick()
    bench.written(1)
    bench.propose(1)
    expect(bench.read(10)).toEqual(['read 10 at 0'])
    bench.written(2)
    bench.propose(2)
    expect(bench.read(11)).toEqual(['read 11 at 1'])
  })

  test('delivers what it recovered again before it answers or commits anything, a part at a time', () => {
    const bench = new Bench({ snapshotIndex: 2, lastIndex: 6, lastEntry: entry(6, 3, 50) })
    expect(bench.tick()).toEqual(['persist 1 state []', 'load 3 to 6'])
    expect(bench.read(10)).toEqual([])
    expect(bench.propose(1)).toEqual(['persist 2 [7]'])
    bench.written(1)
    expect(bench.written(2)).toEqual([])
    expect(bench.loaded(3, 4)).toEqual(['committed [3,4]', 'load 5 to 6'])
    expect(bench.tick()).toEqual([])
    expect(bench.loaded(5, 6)).toEqual([
      'committed [5,6]',
      'committed [7]',
      'proposal 1 committed',
      'read 10 at 6',
    ])
  })

  test('raises its epoch at every start, above the state, the snapshot and the last entry', () => {
    const first = new Bench()
    first.tick()
    expect(first.log.status().epoch).toBe(1)
    const { hardState } = first.out.writes[0]!
    expect(new Bench({ hardState }).log.status().epoch).toBe(2)
    expect(
      new Bench({ hardState, snapshotIndex: 1, lastIndex: 1, snapshotEpoch: 7 }).log.status().epoch,
    ).toBe(8)
    expect(new Bench({ lastIndex: 1, lastEntry: entry(1, 9) }).log.status().epoch).toBe(10)
  })

  test('makes its epoch durable before anyone can see it, also if nothing but a read ever comes', () => {
    const bench = new Bench()
    expect(bench.read(1)).toEqual(['persist 1 state []'])
    expect(bench.written(1)).toEqual(['read 1 at 0'])
  })

  test('goes on with replicated time where the last entry or the snapshot left it, by the monotonic clock', () => {
    const bench = new Bench({ lastIndex: 1, snapshotIndex: 1, snapshotLeaseMs: 500 })
    bench.tick(at(10_000, 77))
    bench.propose(1, at(10_000, 77))
    bench.propose(2, at(10_250.7, 3))
    for (const id of [1, 2, 3]) bench.written(id)
    expect(bench.out.entries.map(({ leaseMs, wallMs }) => [leaseMs, wallMs])).toEqual([
      [500, 77],
      [750, 3],
    ])
    const later = new Bench({ lastIndex: 3, lastEntry: entry(3, 1, 750) })
    later.propose(1, at(5))
    expect(later.out.writes.at(-1)?.entries[0]?.leaseMs).toBe(750)
  })

  test('takes no part in what other nodes say', () => {
    const bench = new Bench()
    bench.tick()
    const message = { type: 'message', from: 'two' as NodeId, now: at(0), message: { type: 'vote' } } as const
    expect(bench.step(message)).toEqual(['dropped: a log of one node takes no message'])
  })
})
