import { expect, test } from 'vitest'
import type { Files, OpenFile } from '../../src/base/index.ts'
import {
  PAGE_BYTES,
  SECTOR_BYTES,
  seededRandom,
  VirtualDisk,
  VirtualProcess,
  VirtualTime,
} from '../../src/sim/index.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(seed: number | string, capacityBytes?: number) {
  const time = new VirtualTime()
  const disk = new VirtualDisk(time, seededRandom(seed), capacityBytes === undefined ? {} : { capacityBytes })
  /** Runs what is given, and time with it, to its end. */
  const run = async <Result>(
    work: (files: Files) => Promise<Result>,
    files = disk.mount().files,
  ): Promise<Result> => {
    let result: { readonly value: Result } | { readonly error: unknown } | undefined
    work(files).then(
      (value) => {
        result = { value }
      },
      (error) => {
        result = { error }
      },
    )
    await time.run(settle, 10_000, () => result !== undefined)
    if (!result) throw new Error('the work did not end')
    if ('error' in result) throw result.error
    return result.value
  }
  return { time, disk, run }
}

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

/** A file whose name and zeros are durable. */
async function makeFile(files: Files, name: string, size: number): Promise<OpenFile> {
  const file = await files.open(name, 'create')
  await file.write(0, new Uint8Array(size))
  await file.datasync()
  await files.syncFolder('')
  return file
}

test('what was synced is there after a power cut, whatever the seed', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const { disk, run } = setUp(seed)
    await run(async (files) => {
      const file = await makeFile(files, 'a', 3 * PAGE_BYTES)
      await file.writeDurably(100, filled(PAGE_BYTES, 7))
    })
    disk.powerCut()
    const bytes = await run(async (files) => (await files.open('a', 'read')).read(0, 3 * PAGE_BYTES))
    expect(bytes.length).toBe(3 * PAGE_BYTES)
    expect(
      bytes.every((byte, i) => byte === (i >= 100 && i < 100 + PAGE_BYTES ? 7 : 0)),
      `seed ${seed}`,
    ).toBe(true)
  }
})

test('of what was not synced every sector is old or new, and all mixtures occur', async () => {
  const seen = { all: 0, none: 0, torn: 0, reordered: 0 }
  for (let seed = 0; seed < 300; seed++) {
    const { disk, run } = setUp(seed)
    await run(async (files) => {
      const file = await makeFile(files, 'a', 4 * PAGE_BYTES)
      await file.write(0, filled(2 * PAGE_BYTES, 1))
      await file.write(2 * PAGE_BYTES, filled(2 * PAGE_BYTES, 2))
    })
    disk.powerCut()
    const bytes = disk.contents('a')!
    const sectors = Array.from({ length: bytes.length / SECTOR_BYTES }, (_, i) => {
      const sector = bytes.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES)
      expect(
        sector.every((byte) => byte === sector[0]),
        `seed ${seed} sector ${i}`,
      ).toBe(true)
      return sector[0] !== 0
    })
    if (sectors.every(Boolean)) seen.all++
    if (!sectors.some(Boolean)) seen.none++
    if (disk.counts.tornPages > 0) seen.torn++
    if (disk.counts.reorderedWrites > 0) seen.reordered++
  }
  for (const [mixture, count] of Object.entries(seen)) expect(count, mixture).toBeGreaterThan(5)
})

test('a process that merely dies leaves the page cache as it is, and is never answered again', async () => {
  const { time, disk, run } = setUp(1)
  const process = new VirtualProcess(time, disk, seededRandom(2))
  await run(async (files) => {
    const file = await makeFile(files, 'a', PAGE_BYTES)
    await file.write(0, filled(10, 9))
  }, process.world.files)
  let answered = false
  process.world.timers.after(1, () => {
    answered = true
  })
  void process.world.files.list('').then(() => {
    answered = true
  })
  process.kill()
  const bytes = await run(async (files) => (await files.open('a', 'read')).read(0, 10))
  await time.run(settle, 100)
  expect([answered, [...bytes]]).toEqual([false, new Array(10).fill(9)])
})

test('a name survives once its folder was synced; before, it may go or stay, a renaming as a whole', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    const { disk, run } = setUp(seed)
    await run(async (files) => {
      await makeFile(files, 'a.new', 10)
      await files.rename('a.new', 'a')
      await files.open('b', 'create')
    })
    disk.powerCut()
    seen.add(disk.list('').join())
  }
  expect([...seen].sort()).toEqual(['a', 'a,b', 'a.new', 'a.new,b'])
})

test('a removal that was not synced may come back', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 50; seed++) {
    const { disk, run } = setUp(seed)
    await run(async (files) => {
      await makeFile(files, 'a', 10)
      await files.remove('a')
    })
    disk.powerCut()
    seen.add(disk.list('').join())
  }
  expect([...seen].sort()).toEqual(['', 'a'])
})

test('after a failed sync reads show the data, the next sync succeeds, and the data is not on the disk', async () => {
  let lost = 0
  for (let seed = 0; seed < 50; seed++) {
    const { disk, run } = setUp(seed)
    await run(async (files) => {
      const file = await makeFile(files, 'a', PAGE_BYTES)
      disk.fault = (operation) => (operation === 'datasync' ? 'error' : 'none')
      await expect(file.writeDurably(0, filled(100, 5))).rejects.toMatchObject({ code: 'FILE_FAILED' })
      disk.fault = () => 'none'
      expect((await file.read(0, 100))[0]).toBe(5)
      await file.datasync()
    })
    disk.powerCut()
    if (disk.contents('a')![0] === 0) lost++
  }
  expect(lost).toBeGreaterThan(5)
})

test('a full disk refuses, says so in its own code, and may have written a part', async () => {
  const { disk, run } = setUp(3, 1000)
  await run(async (files) => {
    const file = await files.open('a', 'create')
    await file.write(0, filled(900, 1))
    expect(await files.freeBytes('')).toBe(100)
    await expect(file.write(900, filled(200, 2))).rejects.toMatchObject({ code: 'FILE_DISK_FULL' })
    await file.write(0, filled(900, 3))
  })
  expect(disk.contents('a')!.length).toBeLessThan(1100)
})

test('a folder is claimed by one process at a time, and a dead one gives it back', async () => {
  const { disk, run } = setUp(4)
  const first = disk.mount()
  await run((files) => files.lock('log'), first.files)
  await expect(run((files) => files.lock('log'))).rejects.toMatchObject({ code: 'FILE_LOCKED' })
  first.release()
  const lock = await run((files) => files.lock('log'))
  await run(() => lock.release())
  await run((files) => files.lock('log'))
})

test('missing and present names are told apart by their codes', async () => {
  const { run } = setUp(5)
  await expect(run((files) => files.open('a', 'write'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(run((files) => files.remove('a'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(run((files) => files.open('x/a', 'create'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await run((files) => files.open('a', 'create'))
  await expect(run((files) => files.open('a', 'create'))).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  expect(await run((files) => files.list('nowhere'))).toEqual([])
})

test('flipped bits change what was synced', async () => {
  const { disk, run } = setUp(6)
  await run((files) => makeFile(files, 'a', 100))
  disk.flipBit('a', 50, 3)
  disk.powerCut()
  expect(disk.contents('a')![50]).toBe(8)
})

test('the same seed gives the same run', async () => {
  const once = async (): Promise<unknown> => {
    const { time, disk, run } = setUp('same')
    await run(async (files) => {
      const file = await files.open('a', 'create')
      for (let i = 0; i < 20; i++) await file.write(i * 3000, filled(5000, i + 1))
      await files.syncFolder('')
    })
    disk.powerCut()
    return [time.nowMs, disk.counts, Buffer.from(disk.contents('a')!).toString('latin1')]
  }
  expect(await once()).toEqual(await once())
})
