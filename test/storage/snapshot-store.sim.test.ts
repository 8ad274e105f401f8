import { describe, expect, test } from 'vitest'
import type { SnapshotCursor, SnapshotLoader } from '../../src/consensus/index.ts'
import { below, chance, seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import { type SnapshotInfo, SnapshotStore } from '../../src/storage/index.ts'
import { FIRST_SEED, seedCount, settle } from './simulation.ts'

/** A state of some chunks, told apart by the index. */
function cursorOf(index: number, chunks: number): SnapshotCursor & { isClosed: boolean } {
  let next = 0
  return {
    isClosed: false,
    next: () => (next < chunks ? new Uint8Array(300 + next).fill(index + next++) : undefined),
    close() {
      this.isClosed = true
    },
  }
}

class Collector implements SnapshotLoader {
  readonly chunks: Uint8Array[] = []
  isFinished = false

  add(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice())
  }

  finish(): void {
    this.isFinished = true
  }
}

const infoOf = (index: number): SnapshotInfo => ({
  index,
  epoch: 2,
  leaseMs: 3,
  level: 1,
  digest: index * 17,
})
const atOnce = async (): Promise<void> => undefined

class Bench {
  readonly time = new VirtualTime()
  readonly disk: VirtualDisk
  #process: VirtualProcess

  constructor(seed: number) {
    this.disk = new VirtualDisk(this.time, seededRandom(seed), { capacityBytes: 100_000 })
    this.#process = this.#start()
  }

  async until<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false
    const note = (): void => {
      isOver = true
    }
    work.then(note, note)
    await this.time.run(settle, 10_000, () => isOver)
    return work
  }

  open(keep = 2): Promise<SnapshotStore> {
    return this.until(SnapshotStore.open(this.#process.world, 'snapshots', { keep }))
  }

  restart(): void {
    this.#process.kill()
    this.#process = this.#start()
  }

  #start(): VirtualProcess {
    return new VirtualProcess(this.time, this.disk, seededRandom('process'))
  }
}

async function loaded(bench: Bench, store: SnapshotStore): Promise<[SnapshotInfo | undefined, number[]]> {
  const collector = new Collector()
  const info = await bench.until(store.load(collector))
  expect(collector.isFinished).toBe(info !== undefined)
  return [info, collector.chunks.map((chunk) => chunk[0]!)]
}

describe('a snapshot', () => {
  test('comes back chunk by chunk with what it is of', async () => {
    const bench = new Bench(1)
    const store = await bench.open()
    expect(await loaded(bench, store)).toEqual([undefined, []])
    const cursor = cursorOf(5, 3)
    await bench.until(store.write(infoOf(5), cursor, atOnce))
    expect(cursor.isClosed).toBe(true)
    bench.disk.powerCut()
    bench.restart()
    expect(await loaded(bench, await bench.open())).toEqual([infoOf(5), [5, 6, 7]])
  })

  test('is not visible before it may be published', async () => {
    const bench = new Bench(1)
    const store = await bench.open()
    let publish = (): void => undefined
    const writing = store.write(
      infoOf(5),
      cursorOf(5, 2),
      () => new Promise((resolve) => (publish = resolve)),
    )
    await bench.time.run(settle, 1000)
    expect([store.latest, bench.disk.list('snapshots')]).toEqual([
      undefined,
      ['0000000000000005.snapshot.new'],
    ])
    publish()
    await bench.until(writing)
    expect(store.latest?.index).toBe(5)
  })

  test('replaces the oldest when there are enough', async () => {
    const bench = new Bench(1)
    const store = await bench.open(2)
    for (const index of [3, 7, 9]) await bench.until(store.write(infoOf(index), cursorOf(index, 1), atOnce))
    expect(bench.disk.list('snapshots')).toEqual(['0000000000000007.snapshot', '0000000000000009.snapshot'])
  })

  test('that does not fit on the disk leaves nothing behind, and the one before in force', async () => {
    const bench = new Bench(1)
    const store = await bench.open()
    await bench.until(store.write(infoOf(3), cursorOf(3, 2), atOnce))
    const cursor = cursorOf(4, 1000)
    await expect(bench.until(store.write(infoOf(4), cursor, atOnce))).rejects.toMatchObject({
      code: 'FILE_DISK_FULL',
    })
    expect([cursor.isClosed, bench.disk.list('snapshots')]).toEqual([true, ['0000000000000003.snapshot']])
    expect(await loaded(bench, store)).toEqual([infoOf(3), [3, 4]])
  })

  test('with any bit flipped is refused, naming the file', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const bench = new Bench(seed)
      await bench.until((await bench.open()).write(infoOf(3), cursorOf(3, 3), atOnce))
      const path = 'snapshots/0000000000000003.snapshot'
      bench.disk.flipBit(path, below(seededRandom(seed), bench.disk.contents(path)!.length))
      bench.restart()
      const reading = bench.open().then((store) => bench.until(store.load(new Collector())))
      await expect(reading).rejects.toMatchObject({
        code: expect.stringMatching(/^STORAGE_(CORRUPT|FOREIGN|VERSION)$/),
        message: expect.stringContaining(path),
      })
    }
  })
})

test('whenever the power goes, the newest snapshot that was acknowledged is there whole, or a newer one', async () => {
  let newer = 0
  for (let i = 0; i < seedCount(400); i++) {
    const seed = FIRST_SEED + i
    const bench = new Bench(seed)
    const random = seededRandom(`story ${seed}`)
    let acknowledged = 0
    let begun = 0
    for (let round = 0; round < 3; round++) {
      const store = await bench.open()
      const [info, chunks] = await loaded(bench, store)
      const found = info?.index ?? 0
      expect(found, `FENBU_SEED=${seed}`).toBeGreaterThanOrEqual(acknowledged)
      expect(found).toBeLessThanOrEqual(begun)
      if (info) expect(chunks).toEqual([0, 1, 2].map((n) => found + n))
      if (found > acknowledged) newer++
      // It was shown: from now on it must stay.
      acknowledged = found
      void writeMany(
        store,
        (index) => {
          begun = Math.max(begun, index)
          return () => {
            acknowledged = index
          }
        },
        begun,
      )
      await bench.time.run(settle, below(random, 60))
      if (chance(random, 0.7)) bench.disk.powerCut()
      bench.restart()
    }
  }
  expect(newer).toBeGreaterThan(0.02 * seedCount(400))
})

async function writeMany(
  store: SnapshotStore,
  begin: (index: number) => () => void,
  after: number,
): Promise<void> {
  for (let index = after + 1; index < after + 10; index++) {
    const done = begin(index)
    await store.write(infoOf(index), cursorOf(index, 3), atOnce)
    done()
  }
}
