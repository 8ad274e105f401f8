import { expect, test } from 'vitest'
import { Replica } from '../../src/cluster/index.ts'
import type { NodeId } from '../../src/consensus/index.ts'
import { seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import { LocalLog, SnapshotStore, WriteAheadLog } from '../../src/storage/index.ts'
import { CountingMachine, type CountingOutput } from './counting-machine.ts'

/** A version that reads snapshots and forgets part of what is in them. */
class ForgetfulMachine extends CountingMachine {
  override digest(): number {
    return super.digest() ^ 1
  }
}

test('a state that is not what its snapshot was taken of is refused, though every byte of the file is right', async () => {
  const time = new VirtualTime()
  const disk = new VirtualDisk(time, seededRandom('disk'), { capacityBytes: 2 ** 28 })
  const until = async <Result>(work: Promise<Result>): Promise<Result> => {
    let isOver = false
    const note = (): void => {
      isOver = true
    }
    work.then(note, note)
    await time.run(
      () => new Promise((resolve) => setImmediate(resolve)),
      50_000,
      () => isOver,
    )
    return work
  }
  const open = async (machine: CountingMachine) => {
    const { world } = new VirtualProcess(time, disk, seededRandom('process'))
    const wal = await WriteAheadLog.open(world, 'log')
    const replica = await Replica.open<CountingOutput>({
      world,
      wal,
      stream: 'group',
      snapshots: await SnapshotStore.open(world, 'snapshots'),
      createLog: (recovered) => new LocalLog('one' as NodeId, recovered),
      machine,
      output: { applied: () => undefined },
      options: { snapshotAfterEntries: 5 },
    }).catch(async (error: unknown) => {
      await wal.close()
      throw error
    })
    return { replica, wal }
  }

  const { replica, wal } = await until(open(new CountingMachine()))
  for (let i = 0; i < 6; i++) await until(replica.propose(Uint8Array.of(0x61 + i)))
  await until(replica.close())
  await until(wal.close())

  await expect(until(open(new ForgetfulMachine()))).rejects.toMatchObject({ code: 'CLUSTER_STATE_DIFFERS' })
  await until(open(new CountingMachine()))
})
