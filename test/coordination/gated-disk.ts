import type { Files, OpenFile } from '../../src/base/index.ts'

/** A disk whose durable writes can be held back, counted and made to fail. */
export class GatedDisk {
  durableWrites = 0
  failure: Error | undefined
  #gate: Promise<void> | undefined
  #open: () => void = () => {}

  /** From now on durable writes wait. */
  hold(): void {
    this.#gate ??= new Promise((resolve) => {
      this.#open = resolve
    })
  }

  release(): void {
    this.#gate = undefined
    this.#open()
  }

  readonly wrap = (files: Files): Files => ({
    ...files,
    open: async (path, mode) => this.#wrapFile(await files.open(path, mode)),
  })

  #wrapFile(file: OpenFile): OpenFile {
    return {
      size: () => file.size(),
      read: (offset, length) => file.read(offset, length),
      write: (offset, bytes) => file.write(offset, bytes),
      datasync: () => file.datasync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      writeDurably: async (offset, bytes) => {
        await this.#gate
        if (this.failure) throw this.failure
        this.durableWrites++
        await file.writeDurably(offset, bytes)
      },
    }
  }
}
