import { expect, test } from 'vitest'
import { SMALL_LOG, StorageRun } from './simulation.ts'

test('when space runs short bulk streams are refused, and consensus goes on in what is kept for it', async () => {
  const run = new StorageRun(1, { ...SMALL_LOG, minFreeBytes: 64 * 1024 }, 2 ** 20)
  await run.open()
  // One more segment would leave less than minFreeBytes, and more than the half that consensus may use.
  run.fillDisk(64 * 1024 + 8 * 1024)
  for (let i = 0; i < 100 && run.refusals.bulk === 0; i++) {
    run.write('queue-1', { type: 'append', records: ['x'.repeat(1000)] })
    await run.drain()
  }
  expect(run.refusals).toEqual({ bulk: 1, consensus: 0 })
  const before = run.acknowledged
  for (let i = 0; i < 5; i++) {
    run.write('group-1', { type: 'append', records: ['y'.repeat(1000)] })
    await run.drain()
  }
  expect(run.refusals).toEqual({ bulk: 1, consensus: 0 })
  expect(run.acknowledged).toBe(before + 5)
})
