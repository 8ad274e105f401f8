import { expect, test } from 'vitest'
import { ReplicaRun } from './simulation.ts'

test('a replica that is closed while it replays its log has not failed', async () => {
  const run = new ReplicaRun(1)
  const first = await run.open()
  for (let i = 0; i < 40; i++) await run.until(first.replica.propose(new TextEncoder().encode(`entry ${i}`)))
  await run.until(first.replica.close())
  await run.until(first.wal.close())
  run.kill()

  const { replica, wal, failures, applied } = await run.open()
  const waiting = replica.readBarrier()
  const refused = expect(waiting).rejects.toMatchObject({ code: 'CLUSTER_CLOSED', outcome: 'not-executed' })
  await run.until(replica.close())
  await run.until(wal.close())
  await refused
  expect(failures).toEqual([])
  expect(applied.length, 'it was in the middle of it').toBeLessThan(40)
})
