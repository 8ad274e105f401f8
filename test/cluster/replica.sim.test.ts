import { describe, expect, test } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import type { NodeId } from '../../src/consensus/index.ts'
import { below, chance, seededRandom } from '../../src/sim/index.ts'
import { LocalLog } from '../../src/storage/index.ts'
import { type OpenReplica, ReplicaRun, settle } from './simulation.ts'

const FIRST_SEED = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const SEEDS = Math.max(1, Math.round(250 * Number(process.env['FENBU_SEEDS'] ?? 1)))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a replica', () => {
  test('applies a proposal before it says that it is committed', async () => {
    const run = new ReplicaRun(1)
    const { replica, applied } = await run.open()
    const seen: unknown[] = []
    replica.submit(bytes('a'), (end) => seen.push(end, [...applied]))
    await run.until(replica.propose(bytes('b')))
    expect(seen).toEqual([{ type: 'committed', index: 1 }, ['a']])
    expect(await run.until(replica.readBarrier())).toBe(2)
    expect(replica.status()).toMatchObject({ role: 'leader', commitIndex: 2 })
  })

  test('may propose while it applies: the next entry waits for its turn', async () => {
    const run = new ReplicaRun(1)
    const applied: string[] = []
    let opened: OpenReplica | undefined
    const output = {
      applied(_index: number, text: string): void {
        applied.push(text)
        if (text.length < 4) opened?.replica.submit(bytes(`${text}x`), () => undefined)
      },
    }
    opened = await run.open({}, output)
    await run.until(opened.replica.propose(bytes('a')))
    await run.until(opened.replica.close())
    expect(applied).toEqual(['a', 'ax', 'axx', 'axxx'].slice(0, applied.length))
    expect(applied.length).toBeGreaterThan(1)
  })

  test('starts again from its snapshot and the entries after it, and lets go of the ones before', async () => {
    const run = new ReplicaRun(1)
    const first = await run.open({ snapshotAfterEntries: 10 })
    for (let i = 0; i < 25; i++) await run.until(first.replica.propose(bytes(`entry ${i}`)))
    await run.until(first.replica.close())
    await run.until(first.wal.close())
    expect(first.machine.openCursors).toBe(0)
    run.powerCut()
    const again = await run.open()
    await run.until(again.replica.readBarrier())
    expect(again.machine.texts).toEqual(first.machine.texts)
    expect(again.applied.length, 'replays only what the snapshot does not cover').toBeLessThan(10)
    expect(again.wal.stream('group').firstIndex).toBeGreaterThan(10)
    expect(again.replica.status().epoch).toBe(2)
  })

  test('refuses what is too much, at once and without a trace', async () => {
    const run = new ReplicaRun(1)
    const { replica } = await run.open({ maxUnwrittenBytes: 1000 })
    expect(() => replica.submit(new Uint8Array(2000), () => undefined)).toThrowError(
      expect.objectContaining({ code: 'CLUSTER_OVERLOADED', outcome: 'not-executed' }),
    )
    await expect(replica.propose(new Uint8Array(2000))).rejects.toMatchObject({ code: 'CLUSTER_OVERLOADED' })
    expect(await run.until(replica.propose(bytes('a')))).toBe(1)
  })

  test('takes entries up to the size it names, also when they fill a batch to the brim', async () => {
    const run = new ReplicaRun(1)
    const { replica, machine } = await run.open()
    const largest = new Uint8Array(replica.maxEntryBytes).fill(65)
    for (let i = 0; i < 5; i++) await run.until(replica.propose(largest))
    expect(machine.texts.map(({ length }) => length)).toEqual(new Array(5).fill(replica.maxEntryBytes))
    await expect(replica.propose(new Uint8Array(replica.maxEntryBytes + 2000))).rejects.toMatchObject({
      outcome: 'not-executed',
    })
  })

  test('ends what is under way when it is closed, and takes nothing after', async () => {
    const run = new ReplicaRun(1)
    const { replica, applied } = await run.open()
    const last = replica.propose(bytes('a'))
    await run.until(replica.close())
    await replica.close()
    expect([await last, applied]).toEqual([1, ['a']])
    await expect(replica.propose(bytes('b'))).rejects.toMatchObject({ code: 'CLUSTER_CLOSED' })
    await expect(replica.readBarrier()).rejects.toMatchObject({ code: 'CLUSTER_CLOSED' })
  })

  test('stops when the disk fails: what was under way is unknown, what comes later did not happen', async () => {
    const run = new ReplicaRun(1)
    const { replica, failures } = await run.open()
    await run.until(replica.propose(bytes('a')))
    run.disk.fault = (operation) => (operation === 'datasync' ? 'error' : 'none')
    await expect(run.until(replica.propose(bytes('b')))).rejects.toMatchObject({
      code: 'CLUSTER_FAILED',
      outcome: 'unknown',
    })
    expect(failures).toHaveLength(1)
    await expect(replica.propose(bytes('c'))).rejects.toMatchObject({
      code: 'CLUSTER_FAILED',
      outcome: 'not-executed',
    })
    await expect(replica.readBarrier()).rejects.toMatchObject({ code: 'CLUSTER_FAILED' })
    await run.until(replica.close())
  })

  test.each([0, 40 * 1024, 60 * 1024])(
    'outlives a disk with %i bytes left, and goes on when there is space again',
    async (left) => {
      for (let seed = 1; seed <= 4; seed++) {
        const run = new ReplicaRun(seed, 2 ** 20)
        const { replica, machine, failures } = await run.open({ snapshotAfterEntries: 20 })
        const acknowledged: string[] = []
        const refused: string[] = []
        let number = 0
        let underWay = 0
        const burst = (count: number): void => {
          for (let i = 0; i < count; i++) {
            const text = `${number++}`.padEnd(700, '.')
            underWay++
            replica
              .propose(bytes(text))
              .then(
                () => acknowledged.push(text),
                (error) => {
                  expect(error.outcome).toBe('not-executed')
                  refused.push(text)
                },
              )
              .finally(() => underWay--)
          }
        }
        run.leaveFree(left)
        for (let i = 0; i < 20; i++) {
          burst(30)
          await run.idle(5 + seed * 5)
        }
        expect(failures).toEqual([])
        expect(refused.length, 'the disk was full').toBeGreaterThan(0)
        run.disk.place('ballast', new Uint8Array(0))
        await run.idle(5000)
        expect(underWay).toBe(0)
        burst(1)
        await run.idle(1000)
        expect(acknowledged).toContain(`${number - 1}`.padEnd(700, '.'))
        expect(machine.texts).toEqual(acknowledged)
        run.powerCut()
        const again = await run.open()
        await run.until(again.replica.readBarrier())
        expect(again.machine.texts).toEqual(acknowledged)
      }
    },
  )

  test('can be closed while the disk is full', async () => {
    const run = new ReplicaRun(1)
    const { replica } = await run.open()
    run.leaveFree(0)
    const ends = Array.from({ length: 60 }, () =>
      replica.propose(new Uint8Array(700)).catch((error) => error.code),
    )
    await run.idle(300)
    await run.until(replica.close())
    await run.until(Promise.all(ends))
  })

  test('takes no more than it may when an entry, as it is applied, makes it propose many', async () => {
    const run = new ReplicaRun(1)
    const ends: string[] = []
    let opened: OpenReplica | undefined
    const output = {
      applied(index: number): void {
        if (index === 1)
          for (let i = 0; i < 20; i++)
            opened?.replica.submit(new Uint8Array(300), ({ type }) => ends.push(type))
      },
    }
    opened = await run.open({ maxUnwrittenBytes: 1000 }, output)
    await run.until(opened.replica.propose(bytes('a')))
    await run.idle(100)
    expect(ends.toSorted()).toEqual([...new Array(3).fill('committed'), ...new Array(17).fill('rejected')])
    expect(opened.failures).toEqual([])
  })

  test('asks for nothing more once it failed, not even for the time', async () => {
    const run = new ReplicaRun(1)
    const { failures } = await run.open({}, undefined, (recovered) => {
      const log = new LocalLog('one' as NodeId, recovered)
      const step: LocalLog['step'] = (input, out) => {
        if (input.type === 'tick' && run.time.nowMs > 500) throw new Error('a bug')
        log.step(input, out)
      }
      return { step, status: () => log.status() }
    })
    await run.idle(1000)
    expect(failures).toHaveLength(1)
    expect(run.time.runNext(), 'something is still planned').toBe(false)
  })

  test('refuses a snapshot that is not what it was taken of', async () => {
    const run = new ReplicaRun(1)
    const first = await run.open({ snapshotAfterEntries: 5 })
    for (let i = 0; i < 6; i++) await run.until(first.replica.propose(bytes(`entry ${i}`)))
    await run.until(first.replica.close())
    run.kill()
    const [name] = run.disk.list('snapshots')
    const path = `snapshots/${name}`
    const content = run.disk.contents(path)!
    // A state of another machine, correctly written: only the digest knows.
    content.set([0, 0, 0, 1], 40)
    content.set(crcOf(content.subarray(0, 44)), 44)
    run.disk.place(path, content)
    await expect(run.open()).rejects.toMatchObject({
      code: expect.stringMatching(/CLUSTER_STATE_DIFFERS|STORAGE_CORRUPT/),
    })
  })

  test('refuses to start when the log beside its snapshot is gone', async () => {
    const run = new ReplicaRun(1)
    const first = await run.open({ snapshotAfterEntries: 5 })
    for (let i = 0; i < 8; i++) await run.until(first.replica.propose(bytes(`entry ${i}`)))
    await run.until(first.replica.close())
    run.kill()
    for (const name of run.disk.list('log')) run.disk.folder('log')!.change([name, undefined])
    await expect(run.open()).rejects.toMatchObject({ code: 'CLUSTER_LOG_MISSING' })
  })
})

test('over any sequence of crashes every acknowledged entry is applied, once, in order', async () => {
  let snapshots = 0
  let crashes = 0
  for (let i = 0; i < SEEDS; i++) {
    const seed = FIRST_SEED + i
    try {
      snapshots += await crashStory(seed, () => crashes++)
    } catch (cause) {
      throw new Error(`FENBU_SEED=${seed} repeats it: ${cause}`, { cause })
    }
  }
  expect(snapshots).toBeGreaterThan(SEEDS / 2)
  expect(crashes).toBeGreaterThan(SEEDS)
}, 120_000)

/** Proposes numbered texts over several lives of the node; returns how many lives began from a snapshot. */
async function crashStory(seed: number, crashed: () => void): Promise<number> {
  const run = new ReplicaRun(seed)
  const random = seededRandom(`story ${seed}`)
  const acknowledged: string[] = []
  let kept: string[] = []
  let number = 0
  let fromSnapshot = 0
  let lastEpoch = 0
  for (let life = 0; life < 4; life++) {
    const { replica, machine, applied } = await run.open({
      snapshotAfterEntries: 15,
      snapshotAfterBytes: 2000,
    })
    await run.until(replica.readBarrier())
    expect(machine.texts.slice(0, kept.length), 'what was shown stays').toEqual(kept)
    expect(machine.texts.filter((text) => acknowledged.includes(text))).toEqual(acknowledged)
    expect(new Set(machine.texts).size, 'once').toBe(machine.texts.length)
    expect(replica.status().epoch).toBeGreaterThan(lastEpoch)
    lastEpoch = replica.status().epoch
    if (machine.texts.length > applied.length) fromSnapshot++
    kept = [...machine.texts]
    for (let step = below(random, 120); step > 0; step--) {
      if (chance(random, 0.6)) {
        const text = `${number++}`.padEnd(below(random, 80), '.')
        replica.propose(bytes(text)).then(
          () => acknowledged.push(text),
          (error: unknown) => expect(isFenbuError(error)).toBe(true),
        )
      }
      run.time.runNext()
      await settle()
    }
    if (chance(random, 0.3)) run.kill()
    else run.powerCut()
    crashed()
  }
  return fromSnapshot
}

function crcOf(part: Uint8Array): Uint8Array {
  let crc = 0xffffffff
  for (const byte of part) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, ~crc)
  return out
}
