import { assert, type Files, type Random } from '../base/index.ts'
import { type DiskAccess, type DiskFault, type DiskOperation, MountedFiles } from './mounted-files.ts'
import { cleanPath, splitPath } from './path.ts'
import { below, between } from './random.ts'
import { type LossCounts, VirtualFile } from './virtual-file.ts'
import { type NameCounts, VirtualFolder } from './virtual-folder.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface VirtualDiskOptions {
  readonly capacityBytes?: number
  /** Every operation takes a random time from this range. */
  readonly latencyMs?: readonly [min: number, max: number]
}

export interface DiskCounts extends LossCounts, NameCounts {
  operations: number
  failedSyncs: number
  failedWrites: number
  flippedBits: number
}

/** One process's hold on a disk. Once released, nothing it asked for is ever answered. */
export interface Mount {
  readonly files: Files
  release(): void
}

const CAPACITY_BYTES = 2 ** 40
const LATENCY_MS = [0.05, 2] as const

/**
 * A disk behind a page cache. What was not synced is lost, kept, torn or reordered when the power is cut; names that
 * were not synced stand or fall one by one; a process that merely dies leaves the cache as it is. The same seed gives
 * the same losses.
 */
export class VirtualDisk implements DiskAccess {
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #capacityBytes: number
  readonly #latencyMs: readonly [number, number]
  readonly #folders = new Map<string, VirtualFolder>([['', new VirtualFolder()]])
  #mounts: MountedFiles[] = []
  readonly counts: DiskCounts = {
    operations: 0,
    lostPages: 0,
    keptPages: 0,
    tornPages: 0,
    reorderedWrites: 0,
    lostNames: 0,
    keptNames: 0,
    failedSyncs: 0,
    failedWrites: 0,
    flippedBits: 0,
  }
  /** Asked before every operation; a test sets it to inject faults. */
  fault: (operation: DiskOperation, path: string) => DiskFault = () => 'none'

  constructor(time: VirtualTime, random: Random, options: VirtualDiskOptions = {}) {
    this.#time = time
    this.#random = random
    this.#capacityBytes = options.capacityBytes ?? CAPACITY_BYTES
    this.#latencyMs = options.latencyMs ?? LATENCY_MS
  }

  mount(): Mount {
    const mounted = new MountedFiles(this)
    this.#mounts.push(mounted)
    return { files: mounted, release: () => this.#release(mounted) }
  }

  /** All processes die, and of what was not synced any part may be gone. */
  powerCut(): void {
    for (const mounted of [...this.#mounts]) this.#release(mounted)
    const files = new Set<VirtualFile>()
    for (const folder of this.#folders.values()) {
      for (const file of folder.names.values()) files.add(file)
      folder.powerCut(this.#random, this.counts)
      for (const file of folder.names.values()) files.add(file)
    }
    for (const file of files) file.powerCut(this.#random, this.counts)
  }

  /** A bit of the medium changes by itself, also in what was synced. */
  flipBit(path: string, offset: number, bit: number = below(this.#random, 8)): void {
    const file = this.find(path)
    assert(file && offset < file.size, `${path} has a byte ${offset}`)
    file.flipBit(offset, bit)
    this.counts.flippedBits++
  }

  /** Puts a file in place from outside, durably: what other programs do with the disk. */
  place(path: string, bytes: Uint8Array): void {
    const { folder, name } = splitPath(path)
    this.makeFolder(folder)
    const file = new VirtualFile()
    file.write(0, bytes)
    file.synced(file.position)
    const names = this.#folders.get(folder)!
    names.change([name, file])
    names.synced(names.position)
  }

  /** The bytes of a file as a process would read them now; for looking in from outside. */
  contents(path: string): Uint8Array | undefined {
    const file = this.find(path)
    return file?.read(0, file.size)
  }

  list(folder: string): string[] {
    return [...(this.#folders.get(cleanPath(folder))?.names.keys() ?? [])].sort()
  }

  get usedBytes(): number {
    let bytes = 0
    for (const folder of this.#folders.values()) for (const file of folder.names.values()) bytes += file.size
    return bytes
  }

  get freeBytes(): number {
    return this.#capacityBytes - this.usedBytes
  }

  get random(): Random {
    return this.#random
  }

  find(path: string): VirtualFile | undefined {
    const { folder, name } = splitPath(path)
    return this.#folders.get(folder)?.names.get(name)
  }

  folder(path: string): VirtualFolder | undefined {
    return this.#folders.get(cleanPath(path))
  }

  makeFolder(path: string): void {
    for (let folder = cleanPath(path); !this.#folders.has(folder); folder = splitPath(folder).folder)
      this.#folders.set(folder, new VirtualFolder())
  }

  isLocked(folder: string): boolean {
    return this.#mounts.some((mounted) => mounted.locks.has(cleanPath(folder)))
  }

  /** Ends an operation after a while, unless its process is gone by then. */
  complete<Result>(mounted: MountedFiles, finish: () => Result): Promise<Result> {
    const [min, max] = this.#latencyMs
    return new Promise((resolve, reject) => {
      this.#time.after(between(this.#random, min, max), () => {
        if (!mounted.isAlive) return
        this.counts.operations++
        try {
          resolve(finish())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #release(mounted: MountedFiles): void {
    mounted.isAlive = false
    mounted.locks.clear()
    this.#mounts = this.#mounts.filter((other) => other !== mounted)
  }
}
