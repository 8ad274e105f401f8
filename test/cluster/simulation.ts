import { Replica, type ReplicaOptions } from '../../src/cluster/index.ts'
import type { NodeId, ReplicatedLog } from '../../src/consensus/index.ts'
import { seededRandom, VirtualDisk, VirtualProcess, VirtualTime } from '../../src/sim/index.ts'
import {
  LocalLog,
  type RecoveredState,
  SnapshotStore,
  WriteAheadLog,
  type WriteAheadLogOptions,
} from '../../src/storage/index.ts'
import { CountingMachine, type CountingOutput } from './counting-machine.ts'

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const LOG_OPTIONS: WriteAheadLogOptions = {
  segmentBytes: 16 * 1024,
  maxBatchBytes: 4096,
  maxLogBytes: 24 * 16 * 1024,
  minFreeBytes: 64 * 1024,
  markAfterMs: 5,
}

export interface OpenReplica {
  readonly replica: Replica<CountingOutput>
  readonly machine: CountingMachine
  readonly wal: WriteAheadLog
  readonly applied: string[]
  readonly failures: unknown[]
}

function localLog(recovered: RecoveredState): ReplicatedLog {
  return new LocalLog('one' as NodeId, recovered)
}

/** One node over a virtual disk. */
export class ReplicaRun {
  readonly time = new VirtualTime()
  readonly disk: VirtualDisk
  readonly seed: number
  #process: VirtualProcess
  #starts = 0

  constructor(seed: number, capacityBytes = 2 ** 26) {
    this.seed = seed
    this.disk = new VirtualDisk(this.time, seededRandom(`disk ${seed}`), { capacityBytes })
    this.#process = this.#start()
  }

  async until<Result>(work: Promise<Result>, maxEvents = 50_000): Promise<Result> {
    let isOver = false
    const note = (): void => {
      isOver = true
    }
    work.then(note, note)
    await this.time.run(settle, maxEvents, () => isOver)
    if (!isOver) throw new Error(`seed ${this.seed}: not over after ${maxEvents} events`)
    return work
  }

  open(options: ReplicaOptions = {}, output?: CountingOutput, createLog = localLog): Promise<OpenReplica> {
    return this.until(this.#open(options, output, createLog))
  }

  /** Lets virtual time pass. */
  async idle(ms: number): Promise<void> {
    const end = this.time.nowMs + ms
    this.time.after(ms, () => undefined)
    await this.time.run(settle, 50_000, () => this.time.nowMs >= end)
  }

  /** Something else takes the space on the disk, leaving so much. */
  leaveFree(bytes: number): void {
    this.disk.place('ballast', new Uint8Array(Math.max(0, this.disk.freeBytes - bytes)))
  }

  /** The process dies; what it wrote stays in the page cache. */
  kill(): void {
    this.#process.kill()
    this.#process = this.#start()
  }

  powerCut(): void {
    this.#process.kill()
    this.disk.powerCut()
    this.#process = this.#start()
  }

  async #open(
    options: ReplicaOptions,
    output: CountingOutput | undefined,
    createLog: typeof localLog,
  ): Promise<OpenReplica> {
    const { world } = this.#process
    const wal = await WriteAheadLog.open(world, 'log', LOG_OPTIONS)
    const snapshots = await SnapshotStore.open(world, 'snapshots')
    const machine = new CountingMachine()
    const applied: string[] = []
    const failures: unknown[] = []
    const replica = await Replica.open<CountingOutput>({
      world,
      wal,
      stream: 'group',
      snapshots,
      createLog,
      machine,
      output: output ?? { applied: (_index, text) => void applied.push(text) },
      onFailure: (error) => void failures.push(error),
      options,
    })
    return { replica, machine, wal, applied, failures }
  }

  #start(): VirtualProcess {
    return new VirtualProcess(this.time, this.disk, seededRandom(`process ${this.seed} ${this.#starts++}`))
  }
}
