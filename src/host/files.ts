import { resolve, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AsyncClosable,
  assert,
  type Files,
  type FolderLock,
  fileError,
  type OpenFile,
  stringOption,
} from '../base/index.ts'
import { DiskThread } from './disk-thread.ts'
import { CLAIM_GRACE_MS } from './folder-lock.ts'

/** Files below a folder of a real disk. */
export interface NodeFiles extends Files, AsyncClosable {
  /** Ends the disk threads; calls under way are rejected with `FILE_CLOSED`. Closing twice is fine. */
  close(): Promise<void>
}

/**
 * `Files` over a real disk, below `root` (made when needed). Everything runs in threads of its own, none in the
 * shared pool; `writeDurably`, which is what replies wait for, has a thread to itself, so that it never waits
 * behind a snapshot or a new segment.
 */
export function nodeFiles(root: string): NodeFiles {
  const folder = resolve(stringOption('nodeFiles', 'root', root, root))
  const general = new DiskThread()
  const durable = new DiskThread()
  const at = (path: string): string => absolute(folder, path)
  const close = async (): Promise<void> => {
    await Promise.all([general.close(), durable.close()])
  }
  return {
    async open(path, mode): Promise<OpenFile> {
      return new NodeFile(await general.run('open', at(path), mode), path, general, durable)
    },
    list: (path) => general.run('list', at(path)),
    makeFolder: (path) => general.run('makeFolder', at(path)),
    rename: (from, to) => general.run('rename', at(from), at(to)),
    remove: (path) => general.run('remove', at(path)),
    syncFolder: (path) => general.run('syncFolder', at(path)),
    freeBytes: (path) => general.run('freeBytes', at(path)),
    async lock(path): Promise<FolderLock> {
      // In the thread whose writes are acknowledged: it writes nothing for a claim that it lost.
      const claim = await claimed(durable, at(path))
      return { release: () => durable.run('unlock', claim) }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

class NodeFile implements OpenFile {
  readonly #descriptor: number
  readonly #path: string
  readonly #general: DiskThread
  readonly #durable: DiskThread
  #open = true

  constructor(descriptor: number, path: string, general: DiskThread, durable: DiskThread) {
    this.#descriptor = descriptor
    this.#path = path
    this.#general = general
    this.#durable = durable
  }

  async size(): Promise<number> {
    return this.#general.run('size', this.#checked())
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#general.run('read', this.#checked(), offset, length)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#general.run('write', this.#checked(), offset, bytes.slice())
  }

  async datasync(): Promise<void> {
    return this.#general.run('datasync', this.#checked())
  }

  async writeDurably(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#durable.run('writeDurably', this.#checked(), offset, bytes.slice())
  }

  async truncate(size: number): Promise<void> {
    return this.#general.run('truncate', this.#checked(), size)
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    // Each thread keeps its order: once the one that syncs answers this, what it was asked before is done.
    await this.#durable.run('size', this.#descriptor)
    await this.#general.run('close', this.#descriptor)
  }

  /** A descriptor used after close might be another file's by now. */
  #checked(): number {
    if (!this.#open) throw fileError('FILE_CLOSED', `${this.#path} was closed by this process`)
    return this.#descriptor
  }
}

/** Watches a claim whose holder cannot be seen from here until it moves, which is refused, or the grace is over. */
async function claimed(thread: DiskThread, folder: string): Promise<string> {
  let found = await thread.run('lock', folder)
  for (let watchedMs = CLAIM_LOOK_MS; typeof found !== 'string'; watchedMs += CLAIM_LOOK_MS) {
    await delay(CLAIM_LOOK_MS)
    found = await thread.run('lock', folder, { ...found, isOver: watchedMs >= CLAIM_GRACE_MS })
  }
  return found
}

const CLAIM_LOOK_MS = 500

function absolute(root: string, path: string): string {
  const found = resolve(root, path)
  assert(
    found === root || found.startsWith(root.endsWith(sep) ? root : root + sep),
    `${path} is below the root`,
  )
  return found
}
