import { assert } from '../base/index.ts'
import type { CopiedRun, CopyUnit } from './commit-queue.ts'
import { itemBytesAtMost, recordBytesAtMost } from './record-codec.ts'
import type { Run } from './run-index.ts'
import type { Segment } from './segment.ts'
import type { SegmentSet } from './segment-set.ts'
import type { StreamState } from './stream-state.ts'

/** With fewer full segments than this nothing is gained. */
const FULL_SEGMENTS_MIN = 2

export interface CopyForwardEvents {
  streams(): Iterable<StreamState>
  readRun(run: Run): Promise<Uint8Array[]>
  push(copy: CopyUnit): void
  failed(error: unknown): void
}

/**
 * Moves what is still needed out of the oldest segment, so that a slow stream never pins the files of others. It
 * works as long as more than half of the full segments' bytes are of no use: then a byte that is copied gives back
 * at least one, and the log is never much larger than twice what lives in it.
 */
export class CopyForward {
  readonly #segments: SegmentSet
  readonly #chunkBytes: number
  readonly #events: CopyForwardEvents
  #running: Promise<void> | undefined
  #stopped = false
  #copiedRecords = 0

  constructor(segments: SegmentSet, chunkBytes: number, events: CopyForwardEvents) {
    this.#segments = segments
    this.#chunkBytes = chunkBytes
    this.#events = events
  }

  get copiedRecords(): number {
    return this.#copiedRecords
  }

  /** Called when something changed; starts work if it is worth it. */
  consider(): void {
    if (this.#running || this.#stopped || !this.#isWorthIt()) return
    this.#running = this.#run()
      .catch((error) => this.#events.failed(error))
      .finally(() => {
        this.#running = undefined
      })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#isWorthIt()) {
      const oldest = this.#segments.all[0]!
      if (!(await this.#empty(oldest))) return
      // Else this would go on for ever.
      assert(this.#segments.all[0] !== oldest, `${oldest.path} was emptied and is let go`)
    }
  }

  #isWorthIt(): boolean {
    const full = this.#segments.full
    if (full.length < FULL_SEGMENTS_MIN) return false
    let bytes = 0
    for (const segment of full) bytes += segment.bytes
    return this.#segments.liveBytes * 2 < bytes
  }

  /** False if there was no room to copy to. */
  async #empty(segment: Segment): Promise<boolean> {
    for (const stream of [...this.#events.streams()]) {
      for await (const runs of this.#chunks(stream, segment)) {
        if (this.#stopped || !(await this.#copy(stream, runs))) return false
      }
      const holdsValues = stream.baseSegment === segment || stream.stateSegment === segment
      if (holdsValues && !(await this.#copy(stream, [], segment))) return false
    }
    return true
  }

  /**
   * The stream's records in the segment, in pieces that fit into a batch beside other work: counted as they are
   * written, so that many small records are no more than a few large ones. A larger record is a piece of its own.
   */
  async *#chunks(stream: StreamState, segment: Segment): AsyncGenerator<CopiedRun[]> {
    const runBytes = recordBytesAtMost(stream.nameBytes, [])
    let chunk: CopiedRun[] = []
    let bytes = 0
    // Looked up one by one: while one is read, others may be let go, and with the last of them the file.
    for (let run = stream.index.firstIn(segment, 1); run; run = stream.index.firstIn(segment, run.last + 1)) {
      const items = await this.#events.readRun(run)
      for (const [i, item] of items.entries()) {
        const itemBytes = itemBytesAtMost(item)
        if (chunk.length > 0 && bytes + runBytes + itemBytes > this.#chunkBytes) {
          yield chunk
          chunk = []
          bytes = 0
        }
        const open = chunk.at(-1)
        bytes += itemBytes
        if (open && open.place === run.place) {
          open.items.push(item)
        } else {
          chunk.push({ place: run.place, first: run.first + i, items: [item] })
          bytes += runBytes
        }
      }
    }
    if (chunk.length > 0) yield chunk
  }

  /** Resolves with false if the log has no room, or failed. */
  #copy(stream: StreamState, runs: CopiedRun[], valuesIn?: Segment): Promise<boolean> {
    let bytes = valuesIn ? 2 * recordBytesAtMost(stream.nameBytes, []) + (stream.state?.length ?? 0) : 0
    for (const { items } of runs) {
      bytes += recordBytesAtMost(stream.nameBytes, items)
      this.#copiedRecords += items.length
    }
    return new Promise((resolve) => {
      this.#events.push({ stream, runs, valuesIn, bytes, done: (error) => resolve(!error) })
    })
  }
}
