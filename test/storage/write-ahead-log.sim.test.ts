import { expect, test } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { below, chance, pick } from '../../src/sim/index.ts'
import { countUp, expectShares, forEachSeed, SMALL_LOG, StorageRun, seedCount, settle } from './simulation.ts'

/** On a busy machine; alone each test takes a few seconds. */
const TIMEOUT_MS = 120_000

test(
  'whatever a crash does to what was not synced, what was acknowledged is there, in order, once',
  async () => {
    const seeds = seedCount(400)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      for (let round = 0; round < 5; round++) {
        const opensUndisturbed = chance(run.random, 0.7)
        while (!(await run.open(opensUndisturbed ? undefined : below(run.random, 40)))) {
          run.powerCut()
          countUp(counted, 'crashes while opening')
        }
        await run.verify()
        await run.work(20 + below(run.random, 120), pick(run.random, [0.1, 0.3, 0.6]))
        const end = pick(run.random, ['kill', 'power cut', 'power cut', 'close', 'drain'])
        if (end === 'drain') await run.drain()
        if (end === 'close') await run.close()
        if (end === 'kill') run.kill()
        else run.powerCut()
        countUp(counted, end)
      }
      expect(await run.open()).toBe(true)
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, {
      acknowledged: 100,
      'copied forward': 20,
      'crashes while opening': 0.5,
      close: 0.5,
      kill: 0.5,
      'power cut': 1,
      lostPages: 1,
      keptPages: 1,
      tornPages: 0.2,
      reorderedWrites: 0.01,
      lostNames: 1,
      keptNames: 1,
    })
  },
  TIMEOUT_MS,
)

test(
  'what a restart found is kept from then on, also when it was in the page cache only',
  async () => {
    const seeds = seedCount(250)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await run.work(below(run.random, 100))
      // The process dies while a batch is on its way; the page cache shows all of it.
      run.kill()
      await run.open()
      await run.verify()
      // Now others act on it, and the power goes at once, or in the middle of the next write.
      await run.work(pick(run.random, [0, 0, 3]))
      run.powerCut()
      await run.open()
      await run.verify()
      countUp(counted, 'restarts')
      return run
    })
    expectShares(coverage, seeds, { restarts: 1, lostPages: 0.08, acknowledged: 20 })
  },
  TIMEOUT_MS,
)

test(
  'a failed sync ends the log; after a restart and a power cut everything acknowledged is there',
  async () => {
    const seeds = seedCount(250)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await run.work(below(run.random, 60))
      const failAt = run.disk.counts.operations + below(run.random, 60)
      const failing = pick(run.random, ['write', 'datasync'])
      let hasFailed = false
      // Once: the next sync would succeed, and mean nothing.
      run.disk.fault = (operation) => {
        if (hasFailed || operation !== failing || run.disk.counts.operations < failAt) return 'none'
        hasFailed = true
        return 'error'
      }
      await run.work(200)
      if (run.wal.failure) countUp(counted, 'failed logs')
      expectStopped(run)
      run.disk.fault = () => 'none'
      run.kill()
      // The page cache still shows what the failed sync dropped.
      await run.open()
      await run.verify()
      run.powerCut()
      await run.open()
      await run.verify()
      await run.work(50)
      return run
    })
    expectShares(coverage, seeds, { 'failed logs': 0.9, failedSyncs: 0.3, failedWrites: 0.3, lostPages: 0.2 })
  },
  TIMEOUT_MS,
)

test(
  'damage to anything that was acknowledged is refused, with file and offset; nothing is cut',
  async () => {
    const seeds = seedCount(300)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await run.work(20 + below(run.random, 150))
      await run.drain()
      // Idle long enough to have noted that its last batch is durable, then killed or closed.
      await run.time.run(async () => new Promise(setImmediate), 100)
      if (chance(run.random, 0.5)) await run.close()
      run.powerCut()
      const { path, offset } = run.placeWithData()
      run.disk.flipBit(path, offset)
      const before = run.disk.contents(path)!
      const error = await run.open().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error) {
        expect(isFenbuError(error) && error.code).toMatch(/^STORAGE_(CORRUPT|FOREIGN|VERSION)$/)
        expect((error as Error).message, 'names the file').toContain('log/0000')
        expect(Buffer.compare(run.disk.contents(path)!, before), 'leaves the file as it is').toBe(0)
        countUp(counted, 'refused')
        return run
      }
      // A bit that nothing depends on: padding, or a record that was let go.
      await run.verify()
      countUp(counted, 'harmless')
      return run
    })
    expectShares(coverage, seeds, { refused: 0.5, flippedBits: 1 })
  },
  TIMEOUT_MS,
)

test(
  'the last batch that was synced is refused when damaged, not cut',
  async () => {
    const seeds = seedCount(150)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await run.work(below(run.random, 60))
      await run.drain()
      run.write('group-1', { type: 'append', records: ['the last.'] })
      await run.drain()
      await run.time.run(async () => new Promise(setImmediate), 100)
      run.powerCut()
      const { path, start, end } = run.find('the last.')
      run.disk.flipBit(path, start + below(run.random, end - start))
      await expect(run.open()).rejects.toMatchObject({
        code: 'STORAGE_CORRUPT',
        message: expect.stringContaining(path),
      })
      countUp(counted, 'refused')
      return run
    })
    expectShares(coverage, seeds, { refused: 1 })
  },
  TIMEOUT_MS,
)

test(
  'a full disk refuses bulk first and loses nothing; with space again the log goes on',
  async () => {
    const seeds = seedCount(80)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed, { ...SMALL_LOG, minFreeBytes: 64 * 1024 }, 300 * 1024)
      await run.open()
      for (let i = 0; i < 40; i++) {
        await run.work(20)
        if (run.refused > 0) break
      }
      const ballast = run.fillDisk(chance(run.random, 0.5) ? 20 * 1024 : 0)
      await run.work(300, 0.6)
      if (run.refusals.bulk > 0) countUp(counted, 'bulk refused')
      if (run.refusals.consensus > 0) countUp(counted, 'consensus refused')
      expect(run.wal.failure?.cause).toBeUndefined()
      await run.drain()
      if (chance(run.random, 0.5)) run.powerCut()
      else await run.close()
      await run.open()
      await run.verify()
      ballast.remove()
      await run.idle(3000)
      const before = run.acknowledged
      await run.work(100)
      await run.drain()
      expect(run.acknowledged).toBeGreaterThan(before)
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, { 'bulk refused': 0.9, 'consensus refused': 0.3, acknowledged: 50 })
  },
  TIMEOUT_MS,
)

test(
  'a slow stream never pins the others: the log stays bounded, its records stay readable',
  async () => {
    const seeds = seedCount(15)
    const coverage = await forEachSeed(seeds, async (seed) => {
      const run = new StorageRun(seed)
      await run.open()
      run.write('queue-1', { type: 'state', state: 'slow', records: ['first.', 'second.'] })
      for (let i = 0; i < 400; i++) {
        run.write('group-1', { type: 'append', records: ['x'.padEnd(1000, 'x')] })
        run.write('group-1', { type: 'cut-up-to', index: i })
        if (i % 50 === 0) run.write('queue-1', { type: 'append', records: [`later-${i}.`] })
        await run.drain()
        expect(run.wal.status().bytes).toBeLessThanOrEqual(8 * 16 * 1024)
      }
      await run.verify()
      run.powerCut()
      await run.open()
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, { 'copied forward': 5 })
  },
  TIMEOUT_MS,
)

/** One stream that lets go of everything at once: whole files become useless from one write to the next. */
async function writeAndLetGo(
  run: StorageRun,
  events: number,
  isOver: () => boolean = () => false,
): Promise<void> {
  for (let i = 0; i < events && !isOver(); i++) {
    run.write('group-1', { type: 'append', records: ['x'.padEnd(700, 'x')] })
    const { last } = run.models.get('group-1')!.planned
    if (chance(run.random, 0.3)) run.write('group-1', { type: 'cut-up-to', index: last })
    run.time.runNext()
    await settle()
  }
}

test(
  'a file goes only when the disk knows that it is not needed, whenever the power is cut',
  async () => {
    const seeds = seedCount(150)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await writeAndLetGo(run, 20 + below(run.random, 150))
      countUp(counted, 'files made', Number.parseInt(run.disk.list('log').at(-1)!, 10))
      run.powerCut()
      await run.open()
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, { 'files made': 2 })
  },
  TIMEOUT_MS,
)

test(
  'files that a killed process was about to free are there until recovery has made that durable',
  async () => {
    const seeds = seedCount(100)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      await writeAndLetGo(run, below(run.random, 60))
      // A file was freed; killed while the batch is on its way that is the first to say so.
      let segments = 0
      await writeAndLetGo(run, 300, () => {
        const isFreed = run.wal.status().segments < segments
        segments = run.wal.status().segments
        return isFreed
      })
      run.kill()
      // The power goes when recovery removes the first file.
      let removals = 0
      run.disk.fault = (operation) => {
        if (operation === 'remove') removals++
        return 'none'
      }
      await run.open(undefined, () => removals > 0)
      if (removals > 0) countUp(counted, 'crashes while removing')
      run.powerCut()
      await run.open()
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, { 'crashes while removing': 0.3 })
  },
  TIMEOUT_MS,
)

test(
  'a name that a killed process had not synced is synced before anything relies on it',
  async () => {
    const seeds = seedCount(80)
    const coverage = await forEachSeed(seeds, async (seed, counted) => {
      const run = new StorageRun(seed)
      await run.open()
      let renames = 0
      const wanted = 1 + below(run.random, 3)
      run.disk.fault = (operation) => {
        if (operation === 'rename') renames++
        return 'none'
      }
      await writeAndLetGo(run, 500, () => renames >= wanted)
      if (renames >= wanted) countUp(counted, 'kills at a rename')
      run.kill()
      await run.open()
      await run.verify()
      // The power goes when the file is in use and the next one is about to get its name, which would sync both.
      renames = 0
      await writeAndLetGo(run, 500, () => renames > 0)
      run.powerCut()
      await run.open()
      await run.verify()
      return run
    })
    expectShares(coverage, seeds, { 'kills at a rename': 0.9, lostNames: 0.3 })
  },
  TIMEOUT_MS,
)

function expectStopped(run: StorageRun): void {
  if (!run.wal.failure) return
  expect(run.wal.failure.code).toBe('STORAGE_FAILED')
  expect(() =>
    run.wal.stream('group-1').write({ records: [new Uint8Array(1)] }, () => undefined),
  ).toThrowError(expect.objectContaining({ code: 'STORAGE_FAILED', outcome: 'not-executed' }))
}
