import { assert } from '../base/index.ts'
import { encodeStreamName, type LogRecord } from './record-codec.ts'
import { type Run, RunIndex } from './run-index.ts'
import type { Segment } from './segment.ts'

/** Where a batch is, for the records in it. */
export interface BatchLocation {
  readonly segment: Segment
  readonly at: number
  readonly bytes: number
}

/** What is durable of one stream: its records' places and its two values. */
export class StreamState {
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly index: RunIndex = new RunIndex()
  /** The last index that was let go by `truncatePrefix`, and the segment whose record says so. */
  base = 0
  baseSegment: Segment | undefined
  state: Uint8Array | undefined
  stateSegment: Segment | undefined
  /** What `base` and `lastIndex` will be once everything that waits is written. */
  baseWaiting = 0
  lastWaiting = 0

  constructor(name: string) {
    this.name = name
    this.nameBytes = encodeStreamName(name)
  }

  get lastIndex(): number {
    return this.index.last?.last ?? this.base
  }

  get isEmpty(): boolean {
    return this.index.last === undefined && this.base === 0 && this.state === undefined
  }

  /** Takes over a record that is durable. Recovery and normal operation both go through here. */
  apply(record: LogRecord, batch: BatchLocation): void {
    switch (record.type) {
      case 'append':
      case 'copy':
        if (record.count > 0) this.index.put(runOf(record, batch))
        return
      case 'truncate-suffix':
        this.index.cutAfter(record.index)
        return
      case 'truncate-prefix':
        this.index.cutUpTo(record.index)
        this.base = Math.max(this.base, record.index)
        this.baseSegment = moved(this.baseSegment, batch.segment)
        return
      case 'state':
        this.state = record.state
        this.stateSegment = moved(this.stateSegment, batch.segment)
        return
      case 'drop':
        this.#release()
        return
    }
  }

  /** Nothing waits: at the start, or because what waited was refused. */
  resetWaiting(): void {
    this.baseWaiting = this.base
    this.lastWaiting = this.lastIndex
  }

  #release(): void {
    this.index.cutAfter(0)
    this.base = 0
    this.state = undefined
    this.baseSegment = moved(this.baseSegment, undefined)
    this.stateSegment = moved(this.stateSegment, undefined)
  }

  /** The first index that ought to be there and is not; undefined if the stream is whole. */
  firstGap(): number | undefined {
    let expected = this.base + 1
    for (const run of this.index.runs) {
      if (run.first !== expected) return expected
      expected = run.last + 1
    }
    return undefined
  }
}

function runOf(record: Extract<LogRecord, { type: 'append' | 'copy' }>, batch: BatchLocation): Run {
  assert(record.first >= 1, `stream ${record.stream}: records are counted from 1, not ${record.first}`)
  const place = {
    segment: batch.segment,
    batchAt: batch.at,
    batchBytes: batch.bytes,
    itemsAt: record.at,
    first: record.first,
    count: record.count,
    bytes: record.bytes,
  }
  return { first: record.first, last: record.first + record.count - 1, place }
}

/** A value that recovery needs keeps its segment alive as a run does. */
function moved(from: Segment | undefined, to: Segment | undefined): Segment | undefined {
  if (from) from.live--
  if (to) to.live++
  return to
}
