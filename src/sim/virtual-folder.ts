import type { Random } from '../base/index.ts'
import { chance } from './random.ts'
import type { VirtualFile } from './virtual-file.ts'

export interface NameCounts {
  /** Creations, renamings and removals that a crash undid. */
  lostNames: number
  /** Those that it let stand although nobody had synced the folder. */
  keptNames: number
}

/** One creation, renaming or removal: all of it takes effect or none. */
interface NameChange {
  readonly number: number
  readonly set: readonly (readonly [name: string, file: VirtualFile | undefined])[]
}

/** The names in one folder: those that everybody sees, and those that survive. */
export class VirtualFolder {
  readonly #names = new Map<string, VirtualFile>()
  readonly #onDisk = new Map<string, VirtualFile>()
  #changes: NameChange[] = []
  #nextNumber = 0

  get names(): ReadonlyMap<string, VirtualFile> {
    return this.#names
  }

  get position(): number {
    return this.#nextNumber
  }

  change(...set: NameChange['set']): void {
    const made = { number: this.#nextNumber++, set }
    this.#changes.push(made)
    apply(made, this.#names)
  }

  synced(position: number): void {
    for (const made of this.#changes) if (made.number < position) apply(made, this.#onDisk)
    this.#changes = this.#changes.filter((made) => made.number >= position)
  }

  /** Each change that was not synced stands or falls by itself, in whatever order a journal may write them. */
  powerCut(random: Random, counts: NameCounts): void {
    for (const made of this.#changes) {
      const kept = chance(random, 0.5)
      if (kept) apply(made, this.#onDisk)
      counts[kept ? 'keptNames' : 'lostNames']++
    }
    this.#changes = []
    this.#names.clear()
    for (const [name, file] of this.#onDisk) this.#names.set(name, file)
  }
}

function apply(change: NameChange, names: Map<string, VirtualFile>): void {
  for (const [name, file] of change.set) {
    names.delete(name)
    if (!file) continue
    // A file has one name: there are no hard links here.
    for (const [other, found] of names) if (found === file) names.delete(other)
    names.set(name, file)
  }
}
