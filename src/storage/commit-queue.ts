import type { FenbuError } from '../base/index.ts'
import type { RunPlace } from './run-index.ts'
import type { Segment } from './segment.ts'
import type { StreamState } from './stream-state.ts'

/** Who goes first when not everything fits into the next batch. */
export type StreamPriority = 'consensus' | 'bulk'

/** What a stream wants written as one unit: after a crash all of it is there, or none. In this order. */
export interface StreamWrite {
  /** Replaces the stream's state (term and vote, epoch). */
  readonly state?: Uint8Array
  /** Withdraws the records above this index. */
  readonly truncateAfter?: number
  /** Appended behind the last record. */
  readonly records?: readonly Uint8Array[]
  /** Lets go of the records up to this index; may lie beyond the last one. */
  readonly truncateUpTo?: number
}

/** Called once: without an error when the write is durable. */
export type WriteEnd = (error?: FenbuError) => void

/** A stream that is dropped has nothing else in the unit. */
export interface UnitWrite extends StreamWrite {
  readonly drop?: true
}

export interface CommitUnit {
  readonly stream: StreamState
  readonly write: UnitWrite
  /** Index of the first record. */
  readonly first: number
  /** Not less than what its records take in a batch. */
  readonly bytes: number
  readonly done: WriteEnd
}

/** Records that move here from an older segment, if they still live there when the batch is made. */
export interface CopyUnit {
  readonly stream: StreamState
  readonly bytes: number
  readonly runs: readonly CopiedRun[]
  /** The stream's state and base are repeated if this segment still holds them. */
  readonly valuesIn: Segment | undefined
  readonly done: WriteEnd
}

export interface CopiedRun {
  readonly place: RunPlace
  readonly first: number
  readonly items: Uint8Array[]
}

/**
 * What waits for the next batch. Streams with a new state go first, then consensus, then bulk; within a stream
 * the order never changes. Streams of one rank take turns.
 */
export class CommitQueue {
  readonly #waiting = new Map<StreamState, CommitUnit[]>()
  readonly #ranks: readonly Set<StreamState>[] = [new Set(), new Set(), new Set()]
  #bytes = 0
  /** How many units append records. */
  #adding = 0

  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Whether anything that waits takes space for longer than it gives back. */
  get addsRecords(): boolean {
    return this.#adding > 0
  }

  push(unit: CommitUnit, priority: StreamPriority): void {
    const units = this.#waiting.get(unit.stream)
    if (units) units.push(unit)
    else this.#waiting.set(unit.stream, [unit])
    this.#bytes += unit.bytes
    if (unit.write.records) this.#adding++
    this.#rank(unit.stream, unit.write.state ? STATE : priority === 'consensus' ? CONSENSUS : BULK)
  }

  /** Units of at most `maxBytes` together, first ranks first; none if the first does not fit. */
  take(maxBytes: number): CommitUnit[] {
    const taken: CommitUnit[] = []
    let room = maxBytes
    for (const rank of this.#ranks) {
      for (const stream of [...rank]) {
        const units = this.#waiting.get(stream)!
        const count = countFitting(units, room)
        for (let i = 0; i < count; i++) room -= units[i]!.bytes
        if (count === units.length) this.#forget(stream, rank)
        for (const unit of count === units.length ? units : units.splice(0, count)) taken.push(unit)
        if (count < units.length && this.#waiting.has(stream)) {
          // Its turn is over: the next batch starts with the others of its rank.
          rank.delete(stream)
          rank.add(stream)
          return this.#took(taken)
        }
      }
    }
    return this.#took(taken)
  }

  takeAll(): CommitUnit[] {
    return this.take(Number.POSITIVE_INFINITY)
  }

  #took(units: CommitUnit[]): CommitUnit[] {
    for (const unit of units) {
      this.#bytes -= unit.bytes
      if (unit.write.records) this.#adding--
    }
    return units
  }

  /** A stream stands in one rank: the highest that any of its waiting units asks for. */
  #rank(stream: StreamState, wanted: number): void {
    const present = this.#ranks.findIndex((rank) => rank.has(stream))
    if (present >= 0 && present <= wanted) return
    if (present >= 0) this.#ranks[present]!.delete(stream)
    this.#ranks[wanted]!.add(stream)
  }

  #forget(stream: StreamState, rank: Set<StreamState>): void {
    this.#waiting.delete(stream)
    rank.delete(stream)
  }
}

const STATE = 0
const CONSENSUS = 1
const BULK = 2

function countFitting(units: readonly CommitUnit[], room: number): number {
  let left = room
  for (let i = 0; i < units.length; i++) {
    left -= units[i]!.bytes
    if (left < 0) return i
  }
  return units.length
}
