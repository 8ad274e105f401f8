import type { Random } from '../base/index.ts'
import { below, chance, pick } from './random.ts'

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512
/** What a kernel writes back at a time, in any order. */
export const PAGE_BYTES = 4096

/** How a crash or a failed sync treated what was not synced. */
export interface LossCounts {
  /** Pages of which nothing reached the disk. */
  lostPages: number
  /** Pages that reached the disk in full. */
  keptPages: number
  /** Pages of which some sectors reached the disk. */
  tornPages: number
  /** Files in which a later write reached the disk and an earlier one did not. */
  reorderedWrites: number
}

interface DirtyWrite {
  readonly number: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The bytes of one file: those on the disk, those in the page cache, and the writes between the two. */
export class VirtualFile {
  #onDisk = new Uint8Array(0)
  #cached = new Uint8Array(0)
  /** Where the arrays above, which grow by doubling, end. */
  #diskSize = 0
  #size = 0
  #dirty: DirtyWrite[] = []
  #truncated = false
  #nextNumber = 0

  get size(): number {
    return this.#size
  }

  /** Everything up to this point is covered by a sync that starts now. */
  get position(): number {
    return this.#nextNumber
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cached.slice(Math.min(offset, this.#size), Math.min(offset + length, this.#size))
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#cached = grown(this.#cached, offset + bytes.length)
    this.#cached.set(bytes, offset)
    this.#size = Math.max(this.#size, offset + bytes.length)
    this.#dirty.push({ number: this.#nextNumber++, offset, bytes: bytes.slice() })
  }

  truncate(size: number): void {
    this.#cached = grown(this.#cached, size)
    this.#cached.fill(0, size)
    this.#size = size
    this.#truncated = true
    this.#dirty = this.#dirty.flatMap((write) => cutTo(write, size))
  }

  /** A sync that began at `position` succeeded. */
  synced(position: number): void {
    if (this.#truncated) this.#cutDisk()
    for (const write of this.#dirty) if (write.number < position) this.#toDisk(write.offset, write.bytes)
    this.#dirty = this.#dirty.filter((write) => write.number >= position)
  }

  /** A sync failed: some pages were written, none is dirty any more, and reads still show them all. */
  syncFailed(position: number, random: Random, counts: LossCounts): void {
    this.#writeBack(
      this.#dirty.filter((write) => write.number < position),
      random,
      counts,
    )
    this.#dirty = this.#dirty.filter((write) => write.number >= position)
  }

  /** The power is gone: of what was dirty any part may be on the disk, and only the disk is left. */
  powerCut(random: Random, counts: LossCounts): void {
    if (this.#truncated && chance(random, 0.5)) this.#cutDisk()
    this.#writeBack(this.#dirty, random, counts)
    this.#dirty = []
    this.#truncated = false
    this.#cached = this.#onDisk.slice(0, this.#diskSize)
    this.#size = this.#diskSize
  }

  /** The medium changed by itself. */
  flipBit(offset: number, bit: number): void {
    for (const bytes of [this.#onDisk, this.#cached])
      if (offset < bytes.length) bytes[offset] = bytes[offset]! ^ (1 << bit)
  }

  #writeBack(writes: readonly DirtyWrite[], random: Random, counts: LossCounts): void {
    const mood = pick(random, MOODS)
    const reached = new Set<number>()
    const lost = new Set<number>()
    for (const [page, ofPage] of byPage(writes)) {
      // The page was written at some moment, with the writes up to then; the last of them may be torn.
      const kept = chance(random, mood.kept) ? ofPage.length : below(random, ofPage.length)
      const isTorn = kept > 0 && chance(random, mood.torn)
      for (const [i, write] of ofPage.entries()) {
        if (i < kept) this.#pageToDisk(write, page, isTorn && i === kept - 1 ? random : undefined)
        ;(i < kept ? reached : lost).add(write.number)
      }
      if (isTorn) counts.tornPages++
      else if (kept === ofPage.length) counts.keptPages++
      else counts.lostPages++
    }
    const earliestLost = Math.min(...lost)
    if ([...reached].some((number) => number > earliestLost)) counts.reorderedWrites++
  }

  #pageToDisk(write: DirtyWrite, page: number, torn: Random | undefined): void {
    const start = Math.max(write.offset, page * PAGE_BYTES)
    const end = Math.min(write.offset + write.bytes.length, (page + 1) * PAGE_BYTES)
    for (let at = start; at < end; ) {
      const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      if (!torn || chance(torn, 0.5))
        this.#toDisk(at, write.bytes.subarray(at - write.offset, next - write.offset))
      at = next
    }
  }

  #toDisk(offset: number, bytes: Uint8Array): void {
    this.#onDisk = grown(this.#onDisk, offset + bytes.length)
    this.#onDisk.set(bytes, offset)
    this.#diskSize = Math.max(this.#diskSize, offset + bytes.length)
  }

  #cutDisk(): void {
    this.#onDisk.fill(0, this.#size)
    this.#diskSize = Math.min(this.#diskSize, this.#size)
    this.#truncated = false
  }
}

/** How far the kernel had come: with every page drawn alike, "all" and "nothing" would hardly ever happen. */
const MOODS = [
  { kept: 0, torn: 0 },
  { kept: 0.3, torn: 0.3 },
  { kept: 0.8, torn: 0.3 },
  { kept: 1, torn: 0 },
] as const

function byPage(writes: readonly DirtyWrite[]): Map<number, DirtyWrite[]> {
  const pages = new Map<number, DirtyWrite[]>()
  for (const write of writes) {
    const last = Math.floor((write.offset + write.bytes.length - 1) / PAGE_BYTES)
    for (let page = Math.floor(write.offset / PAGE_BYTES); page <= last; page++) {
      const ofPage = pages.get(page)
      if (ofPage) ofPage.push(write)
      else pages.set(page, [write])
    }
  }
  return pages
}

function cutTo(write: DirtyWrite, size: number): DirtyWrite[] {
  if (write.offset >= size) return []
  return [{ ...write, bytes: write.bytes.subarray(0, size - write.offset) }]
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes
  const larger = new Uint8Array(Math.max(size, bytes.length * 2))
  larger.set(bytes)
  return larger
}
