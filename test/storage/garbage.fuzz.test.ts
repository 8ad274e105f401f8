import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import { SnapshotStore, WriteAheadLog } from '../../src/storage/index.ts'
import { encodeSegmentHeader, SECTOR_BYTES } from '../../src/storage/segment-codec.ts'
import { SMALL_LOG, settle } from './simulation.ts'

test('files of any content open or are refused with a typed error, and never hang', async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    // The start of a genuine segment, then anything.
    fc.uint8Array({ maxLength: 16_384 - SECTOR_BYTES }).map((rest) => {
      const header = { logId: new Uint8Array(16), segment: 1, bytes: 16_384, durableUpTo: 0, firstSegment: 1 }
      const file = new Uint8Array(16_384)
      file.set(encodeSegmentHeader(header))
      file.set(rest, SECTOR_BYTES)
      return file
    }),
  )
  await fc.assert(
    fc.asyncProperty(content, content, async (segment, snapshot) => {
      const time = new VirtualTime()
      const disk = new VirtualDisk(time, seededRandom(1))
      const { world } = new VirtualProcess(time, disk, seededRandom(2))
      disk.place('log/000000000001.wal', segment)
      disk.place('snapshots/0000000000000001.snapshot', snapshot)
      const loader = { add: () => undefined, finish: () => undefined }
      const opening = Promise.allSettled([
        WriteAheadLog.open(world, 'log', SMALL_LOG),
        SnapshotStore.open(world, 'snapshots').then((store) => store.load(loader)),
      ])
      let isOver = false
      void opening.then(() => {
        isOver = true
      })
      await time.run(settle, 2000, () => isOver)
      expect(isOver).toBe(true)
      for (const result of await opening)
        if (result.status === 'rejected') expect(isFenbuError(result.reason)).toBe(true)
    }),
    { numRuns: 150 },
  )
})
