import { assert } from '../../base/index.ts'

/** Something that is due at a time; it is in at most one wheel. Extend it: the links are the entry's own. */
export class Deadline {
  dueMs = 0
  slot = -1
  previous: Deadline | undefined = undefined
  next: Deadline | undefined = undefined
}

/** Fineness of deadlines, ms: they fire up to this much late and never early. */
export const TICK_MS = 8
const SLOTS = 256

/**
 * Deadlines of all calls of a process under one timer: adding and removing are a few assignments, since nearly
 * every deadline is removed again unused. Entries beyond one turn of the wheel stay in their slot until due.
 */
export class DeadlineWheel<Entry extends Deadline> {
  readonly #slots: (Deadline | undefined)[] = new Array(SLOTS).fill(undefined)
  #tick: number
  #size = 0

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / TICK_MS)
  }

  get size(): number {
    return this.#size
  }

  add(entry: Entry, dueMs: number): void {
    assert(entry.slot === -1, 'a deadline is in one wheel at a time')
    entry.dueMs = dueMs
    // A due time in the past waits for the next tick: `advance` never looks back.
    const tick = Math.max(Math.ceil(dueMs / TICK_MS), this.#tick + 1)
    const slot = tick % SLOTS
    const head = this.#slots[slot]
    entry.slot = slot
    entry.previous = undefined
    entry.next = head
    if (head) head.previous = entry
    this.#slots[slot] = entry
    this.#size++
  }

  /** Takes it out; nothing happens if it is not in. */
  remove(entry: Entry): void {
    if (entry.slot === -1) return
    const { previous, next } = entry
    if (previous) previous.next = next
    else this.#slots[entry.slot] = next
    if (next) next.previous = previous
    entry.slot = -1
    entry.previous = undefined
    entry.next = undefined
    this.#size--
  }

  /** Takes out what is due at `nowMs`, in no particular order. */
  advance(nowMs: number): Entry[] {
    const target = Math.floor(nowMs / TICK_MS)
    const steps = Math.min(target - this.#tick, SLOTS)
    const due: Entry[] = []
    for (let step = 1; step <= steps; step++) this.#collect((this.#tick + step) % SLOTS, nowMs, due)
    if (target > this.#tick) this.#tick = target
    return due
  }

  #collect(slot: number, nowMs: number, due: Entry[]): void {
    let entry = this.#slots[slot] as Entry | undefined
    while (entry) {
      const next = entry.next as Entry | undefined
      if (entry.dueMs <= nowMs) {
        this.remove(entry)
        due.push(entry)
      }
      entry = next
    }
  }
}
