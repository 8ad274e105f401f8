import { assert } from '../base/index.ts'
import type { Segment } from './segment.ts'

/** Records `first` to `last` of a stream, next to each other in one batch. */
export interface Run {
  readonly first: number
  readonly last: number
  readonly place: RunPlace
}

/** Where the record that holds a run is; its items start with index `first`, of which the run may need only some. */
export interface RunPlace {
  readonly segment: Segment
  readonly batchAt: number
  readonly batchBytes: number
  /** From the start of the batch. */
  readonly itemsAt: number
  readonly first: number
  readonly count: number
  readonly bytes: number
}

/** Where each record of a stream is: runs in order of index, which do not overlap. Keeps its segments' books. */
export class RunIndex {
  readonly #runs: Run[] = []

  get runs(): readonly Run[] {
    return this.#runs
  }

  get last(): Run | undefined {
    return this.#runs.at(-1)
  }

  /** Adds a run, taking the place of whatever was at its indices (a copy moves records). */
  put(run: Run): void {
    const last = this.#runs.at(-1)
    if (last && last.last >= run.first) this.#withdraw(run.first, run.last)
    const at = this.#positionOf(run.first)
    if (at === this.#runs.length) this.#runs.push(run)
    else this.#runs.splice(at, 0, run)
    count(run, 1)
  }

  /** Lets go of everything above `index`. */
  cutAfter(index: number): void {
    this.#withdraw(index + 1, Number.MAX_SAFE_INTEGER)
  }

  /** Lets go of everything up to `index`. */
  cutUpTo(index: number): void {
    this.#withdraw(1, index)
  }

  /** The run that holds a record. */
  at(index: number): Run | undefined {
    const run = this.#runs[this.#positionOf(index)]
    return run && run.first <= index ? run : undefined
  }

  /** The first run in a segment that ends at or after an index. */
  firstIn(segment: Segment, from: number): Run | undefined {
    for (let i = this.#positionOf(from); i < this.#runs.length; i++)
      if (this.#runs[i]!.place.segment === segment) return this.#runs[i]
    return undefined
  }

  /** The runs that hold `from` to `to`, cut to that range. */
  between(from: number, to: number): Run[] {
    const found: Run[] = []
    for (let i = this.#positionOf(from); i < this.#runs.length; i++) {
      const run = this.#runs[i]!
      if (run.first > to) break
      found.push({ first: Math.max(run.first, from), last: Math.min(run.last, to), place: run.place })
    }
    return found
  }

  /** The parts of `from` to `to` that still live at this place. */
  livingAt(place: RunPlace, from: number, to: number): Run[] {
    return this.between(from, to).filter((run) => run.place === place)
  }

  #withdraw(from: number, to: number): void {
    const start = this.#positionOf(from)
    let end = start
    const kept: Run[] = []
    for (; end < this.#runs.length && this.#runs[end]!.first <= to; end++) {
      const run = this.#runs[end]!
      count(run, -1)
      if (run.first < from) kept.push({ ...run, last: from - 1 })
      if (run.last > to) kept.push({ ...run, first: to + 1 })
    }
    for (const run of kept) count(run, 1)
    this.#runs.splice(start, end - start, ...kept)
  }

  /** Position of the first run that ends at or after `index`. */
  #positionOf(index: number): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#runs[middle]!.last < index) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What the fields of a record take beside its items, about. */
const RUN_BYTES = 32

function count(run: Run, by: 1 | -1): void {
  const { segment } = run.place
  segment.live += by
  segment.liveBytes += by * (RUN_BYTES + (run.place.bytes * (run.last - run.first + 1)) / run.place.count)
  assert(segment.live >= 0, `segment ${segment.id} has no fewer than no live runs`)
}
