import { expect } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import {
  below,
  chance,
  pick,
  seededRandom,
  VirtualDisk,
  VirtualProcess,
  VirtualTime,
} from '../../src/sim/index.ts'
import { type LogStream, WriteAheadLog, type WriteAheadLogOptions } from '../../src/storage/index.ts'
import { StreamModel, type StreamOperation } from './stream-model.ts'

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Seeds rotate; FENBU_SEED repeats a run whose failure named it. */
export const FIRST_SEED: number = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Files so small that a few dozen writes roll over, copy forward and remove them. */
export const SMALL_LOG: WriteAheadLogOptions = {
  segmentBytes: 16 * 1024,
  maxBatchBytes: 4096,
  maxLogBytes: 24 * 16 * 1024,
  minFreeBytes: 64 * 1024,
  markAfterMs: 5,
}

const FOLDER = 'log'
const EVENTS_MAX = 20_000
const STREAMS = [
  { name: 'group-1', priority: 'consensus' },
  { name: 'group-2', priority: 'consensus' },
  { name: 'queue-1', priority: 'bulk' },
  { name: 'queue-2', priority: 'bulk' },
] as const

/** What happened over many seeds: a test that never saw a torn page has shown nothing about torn pages. */
export interface Coverage {
  [name: string]: number
}

/** One seed's world: a disk, the log that runs on it, and what the log promised. */
export class StorageRun {
  readonly seed: number
  readonly time = new VirtualTime()
  readonly random: ReturnType<typeof seededRandom>
  readonly disk: VirtualDisk
  readonly models = new Map<string, StreamModel>()
  readonly options: WriteAheadLogOptions
  #process: VirtualProcess | undefined
  #wal: WriteAheadLog | undefined
  #payload = 0
  acknowledged = 0
  refused = 0
  readonly refusals = { consensus: 0, bulk: 0 }
  copied = 0
  /** Errors of reads that should not have been. */
  readonly problems: unknown[] = []
  starts = 0

  constructor(seed: number, options: WriteAheadLogOptions = SMALL_LOG, capacityBytes = 2 ** 30) {
    this.seed = seed
    this.options = options
    this.random = seededRandom(seed)
    this.disk = new VirtualDisk(this.time, this.random.split('disk'), { capacityBytes })
    for (const { name } of STREAMS) this.models.set(name, new StreamModel(name))
  }

  get wal(): WriteAheadLog {
    if (!this.#wal) throw new Error('the log is not open')
    return this.#wal
  }

  /** Runs time until the promise settles. */
  async until<Result>(work: Promise<Result>, maxEvents: number = EVENTS_MAX): Promise<Result> {
    let settled = false
    const note = (): void => {
      settled = true
    }
    work.then(note, note)
    await this.time.run(settle, maxEvents, () => settled)
    if (!settled) throw new Error(`seed ${this.seed}: not over after ${maxEvents} events`)
    return work
  }

  /** Starts a process and opens the log; false if it is to crash before that. */
  async open(crashAfterEvents = EVENTS_MAX, crashNow: () => boolean = () => false): Promise<boolean> {
    this.starts++
    this.#process = new VirtualProcess(this.time, this.disk, this.random.split(`process-${this.starts}`))
    const opening = WriteAheadLog.open(this.#process.world, FOLDER, this.options)
    let error: unknown
    let opened: WriteAheadLog | undefined
    opening.then(
      (wal) => {
        opened = wal
      },
      (reason) => {
        error = reason
      },
    )
    await this.time.run(
      settle,
      crashAfterEvents,
      () => crashNow() || opened !== undefined || error !== undefined,
    )
    if (error !== undefined) throw error
    this.#wal = opened
    return opened !== undefined
  }

  /** Everything that was acknowledged is there, in order, once; nothing that was never written is. */
  async verify(): Promise<void> {
    if (this.problems.length > 0) throw this.problems[0]
    for (const [name, model] of this.models) {
      const stream = this.#stream(name)
      const records = await this.#readAll(stream)
      const found = { base: stream.firstIndex - 1, records: records.map(textOf), state: textOf(stream.state) }
      const problem = model.accept(found)
      if (problem !== undefined) throw new Error(`seed ${this.seed}: stream ${name}: ${problem}`)
    }
  }

  /** Lets `events` events happen, with work for the log between them. */
  async work(events: number, busy = 0.5): Promise<void> {
    for (let i = 0; i < events && !this.wal.failure; i++) {
      while (chance(this.random, busy)) this.operate()
      if (chance(this.random, 0.05)) this.readSomething()
      if (!this.time.runNext()) this.operate()
      await settle()
    }
  }

  /** All that was asked for is answered. */
  async drain(): Promise<void> {
    const isIdle = (): boolean => [...this.models.values()].every((model) => model.isIdle)
    for (let i = 0; i < EVENTS_MAX && !isIdle() && !this.wal.failure; i++) {
      await settle()
      if (!this.time.runNext()) throw new Error('nothing happens, and not everything was answered')
      await settle()
    }
  }

  /** Lets virtual time pass. */
  async idle(ms: number): Promise<void> {
    let isOver = false
    this.time.after(ms, () => {
      isOver = true
    })
    await this.time.run(settle, EVENTS_MAX, () => isOver)
  }

  /** Something else takes the space on the disk, leaving so much. */
  fillDisk(leaveBytes: number): { remove(): void } {
    const file = new Uint8Array(Math.max(0, this.disk.freeBytes - leaveBytes))
    this.disk.place('ballast', file)
    return { remove: () => this.disk.place('ballast', new Uint8Array(0)) }
  }

  /** A random place in the log's files that holds something. */
  placeWithData(): { readonly path: string; readonly offset: number } {
    for (;;) {
      const path = `${FOLDER}/${pick(this.random, this.disk.list(FOLDER))}`
      const bytes = this.disk.contents(path)!
      const offset = below(this.random, bytes.length)
      if (bytes[offset] !== 0) return { path, offset }
    }
  }

  /** Where a text stands in the log's files, the last place of it. */
  find(text: string): { readonly path: string; readonly start: number; readonly end: number } {
    const wanted = new TextEncoder().encode(text)
    for (const name of this.disk.list(FOLDER).toReversed()) {
      const path = `${FOLDER}/${name}`
      const bytes = this.disk.contents(path)!
      for (let at = bytes.length - wanted.length; at >= 0; at--)
        if (wanted.every((byte, i) => bytes[at + i] === byte))
          return { path, start: at, end: at + wanted.length }
    }
    throw new Error(`${text} is not in the log`)
  }

  async close(): Promise<void> {
    await this.until(this.wal.close())
    this.kill()
  }

  kill(): void {
    this.copied += this.#wal?.status().copiedRecords ?? 0
    this.#process?.kill()
    this.#wal = undefined
  }

  powerCut(): void {
    this.kill()
    this.disk.powerCut()
  }

  /** One random operation on one random stream. */
  operate(): void {
    const { name } = pick(this.random, STREAMS)
    const model = this.models.get(name)!
    this.write(name, this.#choose(model))
  }

  write(name: string, operation: StreamOperation): void {
    const model = this.models.get(name)!
    const stream = this.#stream(name)
    const end = model.begin(operation)
    const ended = (error?: unknown): void => {
      if (error === undefined) this.acknowledged++
      else if (isNotExecuted(error)) {
        this.refused++
        this.refusals[priorityOf(name)]++
      }
      end(error === undefined ? 'durable' : isNotExecuted(error) ? 'refused' : 'unknown')
    }
    try {
      if (operation.type === 'drop') stream.drop().then(() => ended(), ended)
      else stream.write(writeOf(operation), ended)
    } catch (error) {
      ended(error)
    }
  }

  /** A read under way while records move and files go; it may find its records gone, or the log closed. */
  readSomething(): void {
    const stream = this.#stream(pick(this.random, STREAMS).name)
    stream.read(stream.firstIndex, stream.durableIndex, 10_000).catch((error: unknown) => {
      if (isFenbuError(error, 'STORAGE_NOT_KEPT') || isFenbuError(error, 'STORAGE_CLOSED')) return
      this.problems.push(error)
    })
  }

  #choose(model: StreamModel): StreamOperation {
    const { base, last } = model.planned
    const roll = below(this.random, 100)
    if (roll < 8 && last > base)
      return { type: 'cut-after', index: base + below(this.random, last - base + 1) }
    if (roll < 22 && last > base)
      return { type: 'cut-up-to', index: base + 1 + below(this.random, last - base) }
    if (roll < 24) return { type: 'cut-up-to', index: last + 1 + below(this.random, 3) }
    if (roll < 34) return { type: 'state', state: `state-${this.#payload++}`, records: this.#records(2) }
    return { type: 'append', records: this.#records(1 + below(this.random, 4)) }
  }

  #records(count: number): string[] {
    const records: string[] = []
    for (let i = 0; i < count; i++)
      records.push(`${this.#payload++}.`.padEnd(chance(this.random, 0.1) ? 700 : 20, 'x'))
    return records
  }

  #stream(name: string): LogStream {
    return this.wal.stream(name, priorityOf(name))
  }

  async #readAll(stream: LogStream): Promise<Uint8Array[]> {
    const records: Uint8Array[] = []
    while (stream.firstIndex + records.length <= stream.lastIndex)
      records.push(
        ...(await this.until(stream.read(stream.firstIndex + records.length, stream.lastIndex, 2000))),
      )
    return records
  }
}

/** Runs a story for every seed and adds up what happened; a failure names its seed. */
export async function forEachSeed(
  count: number,
  story: (seed: number, coverage: Coverage) => Promise<StorageRun>,
): Promise<Coverage> {
  const coverage: Coverage = {}
  for (let i = 0; i < count; i++) {
    const seed = FIRST_SEED + i
    let run: StorageRun
    try {
      run = await story(seed, coverage)
    } catch (cause) {
      throw new Error(`FENBU_SEED=${seed} repeats it: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      })
    }
    countUp(coverage, 'acknowledged', run.acknowledged)
    countUp(coverage, 'copied forward', run.copied)
    countUp(coverage, 'starts', run.starts)
    for (const [name, value] of Object.entries(run.disk.counts)) countUp(coverage, name, value)
  }
  return coverage
}

/** At least so many of each, per seed. */
export function expectShares(coverage: Coverage, seeds: number, shares: Coverage): void {
  for (const [name, share] of Object.entries(shares))
    expect(coverage[name] ?? 0, `${name}, in ${seeds} seeds`).toBeGreaterThanOrEqual(
      Math.floor(share * seeds),
    )
}

/** FENBU_SEEDS multiplies the usual number of seeds. */
export function seedCount(usual: number): number {
  return Math.max(1, Math.round(usual * Number(process.env['FENBU_SEEDS'] ?? 1)))
}

export function countUp(coverage: Coverage, name: string, by = 1): void {
  coverage[name] = (coverage[name] ?? 0) + by
}

function writeOf(operation: Exclude<StreamOperation, { type: 'drop' }>) {
  switch (operation.type) {
    case 'append':
      return { records: operation.records.map(bytesOf) }
    case 'state':
      return { state: bytesOf(operation.state), records: operation.records.map(bytesOf) }
    case 'cut-after':
      return { truncateAfter: operation.index }
    case 'cut-up-to':
      return { truncateUpTo: operation.index }
  }
}

function priorityOf(name: string): 'consensus' | 'bulk' {
  return STREAMS.find((stream) => stream.name === name)!.priority
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes ? new TextDecoder().decode(bytes) : ''
}

function isNotExecuted(error: unknown): boolean {
  return isFenbuError(error) && error.outcome === 'not-executed'
}
