import {
  assert,
  type Clock,
  checkKnownOptions,
  type Files,
  type OpenFile,
  wholeNumberOption,
} from '../base/index.ts'
import { ByteReader } from '../bytes/index.ts'
import type { SnapshotCursor, SnapshotLoader } from '../consensus/index.ts'
import {
  CHUNK_HEADER_BYTES,
  chunkCrc,
  damaged,
  decodeSnapshotHeader,
  encodeChunk,
  encodeSnapshotEnd,
  encodeSnapshotHeader,
  SNAPSHOT_END_BYTES,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotInfo,
  snapshotSeed,
} from './snapshot-codec.ts'

export interface SnapshotStoreOptions {
  /** Snapshots that are kept. Default 2: the one in use, and the one before it for people. */
  readonly keep?: number
  /** How long one chunk may hold up everything else, in milliseconds. Default 2. */
  readonly sliceMs?: number
}

export const SNAPSHOT_STORE_DEFAULTS: Required<SnapshotStoreOptions> = { keep: 2, sliceMs: 2 }

const NAME = /^(\d{16})\.snapshot$/
const UNFINISHED = /^\d{16}\.snapshot\.new$/
const CHUNK_BYTES_MIN = 4 * 1024
const CHUNK_BYTES_MAX = 256 * 1024
/** Synced as it grows, so that the last sync is short and does not hold up the log's. */
const SYNC_BYTES = 4 << 20

/**
 * Snapshots of one replicated state machine, in a folder of their own. One is visible as a whole or not at all: it
 * is written and synced under a temporary name, renamed, and the folder synced.
 */
export class SnapshotStore {
  readonly #files: Files
  readonly #clock: Clock
  readonly #folder: string
  readonly #options: Required<SnapshotStoreOptions>
  /** Ascending. */
  #indices: number[]
  #latest: SnapshotInfo | undefined

  private constructor(
    world: { readonly files: Files; readonly clock: Clock },
    folder: string,
    options: Required<SnapshotStoreOptions>,
    indices: number[],
    latest: SnapshotInfo | undefined,
  ) {
    this.#files = world.files
    this.#clock = world.clock
    this.#folder = folder
    this.#options = options
    this.#indices = indices
    this.#latest = latest
  }

  static async open(
    world: { readonly files: Files; readonly clock: Clock },
    folder: string,
    options: SnapshotStoreOptions = {},
  ): Promise<SnapshotStore> {
    const resolved = resolveSnapshotStoreOptions(options)
    await world.files.makeFolder(folder)
    // What the list shows may be in memory only, left by a process that died before it synced the folder.
    await world.files.syncFolder(folder)
    const indices: number[] = []
    for (const name of await world.files.list(folder)) {
      if (UNFINISHED.test(name)) await world.files.remove(`${folder}/${name}`)
      const index = NAME.exec(name)?.[1]
      if (index !== undefined) indices.push(Number(index))
    }
    const newest = indices.at(-1)
    const latest =
      newest === undefined ? undefined : await readInfo(world.files, `${folder}/${snapshotName(newest)}`)
    return new SnapshotStore(world, folder, resolved, indices, latest)
  }

  /** What the newest snapshot is of. */
  get latest(): SnapshotInfo | undefined {
    return this.#latest
  }

  /**
   * Writes the cursor's state, a slice at a time; `mayPublish` is awaited before the snapshot becomes visible
   * (entries in it may still be on their way to the log). Closes the cursor in any case. Rejects with `FILE_…`;
   * the snapshots that were there are untouched then.
   */
  async write(info: SnapshotInfo, cursor: SnapshotCursor, mayPublish: () => Promise<void>): Promise<void> {
    const path = `${this.#folder}/${snapshotName(info.index)}`
    const unfinished = `${path}.new`
    let file: OpenFile | undefined
    try {
      file = await this.#files.open(unfinished, 'create')
      await this.#fill(file, info, cursor)
      await mayPublish()
    } catch (error) {
      await file?.close()
      if (file) await this.#files.remove(unfinished)
      throw error
    } finally {
      cursor.close()
    }
    await file.close()
    await this.#files.rename(unfinished, path)
    await this.#files.syncFolder(this.#folder)
    this.#indices = [...this.#indices.filter((index) => index !== info.index), info.index]
    this.#latest = info
    await this.#removeOld()
  }

  /**
   * Feeds the newest snapshot to the loader and finishes it; undefined if there is none. A damaged one rejects with
   * `STORAGE_CORRUPT`: the log before it is gone, so an older one would silently lose what lies between.
   */
  async load(loader: SnapshotLoader): Promise<SnapshotInfo | undefined> {
    if (!this.#latest) return undefined
    const path = `${this.#folder}/${snapshotName(this.#latest.index)}`
    const file = await this.#files.open(path, 'read')
    try {
      await readChunks(file, path, (chunk) => loader.add(chunk))
    } finally {
      await file.close()
    }
    loader.finish()
    return this.#latest
  }

  async #fill(file: OpenFile, info: SnapshotInfo, cursor: SnapshotCursor): Promise<void> {
    const header = encodeSnapshotHeader(info)
    const seed = snapshotSeed(header)
    await file.write(0, header)
    let at = header.length
    let synced = 0
    let number = 0
    for (const pace = new Pace(this.#clock, this.#options.sliceMs); ; number++) {
      const chunk = pace.measure(() => cursor.next(pace.bytes))
      if (!chunk) break
      assert(chunk.length > 0, 'a cursor gives at least one record')
      await file.write(at, encodeChunk(chunk, number, seed))
      at += CHUNK_HEADER_BYTES + chunk.length
      if (at - synced < SYNC_BYTES) continue
      await file.datasync()
      synced = at
    }
    await file.write(at, encodeSnapshotEnd(number, seed))
    await file.datasync()
  }

  async #removeOld(): Promise<void> {
    while (this.#indices.length > this.#options.keep)
      await this.#files.remove(`${this.#folder}/${snapshotName(this.#indices.shift()!)}`)
  }
}

/** Chooses how much to ask of a cursor, so that one answer takes about `sliceMs`. */
class Pace {
  readonly #clock: Clock
  readonly #sliceMs: number
  bytes: number = CHUNK_BYTES_MIN

  constructor(clock: Clock, sliceMs: number) {
    this.#clock = clock
    this.#sliceMs = sliceMs
  }

  measure<Result>(work: () => Result): Result {
    const start = this.#clock.monotonicMs()
    const result = work()
    const tookMs = this.#clock.monotonicMs() - start
    if (tookMs > this.#sliceMs) this.bytes = Math.max(CHUNK_BYTES_MIN, this.bytes >>> 1)
    else if (tookMs < this.#sliceMs / 2) this.bytes = Math.min(CHUNK_BYTES_MAX, this.bytes * 2)
    return result
  }
}

function resolveSnapshotStoreOptions(options: SnapshotStoreOptions): Required<SnapshotStoreOptions> {
  const where = 'SnapshotStore.open'
  checkKnownOptions(where, options, Object.keys(SNAPSHOT_STORE_DEFAULTS))
  const { keep, sliceMs } = SNAPSHOT_STORE_DEFAULTS
  return {
    keep: wholeNumberOption(where, 'keep', options.keep, keep, 1, 1000),
    sliceMs: wholeNumberOption(where, 'sliceMs', options.sliceMs, sliceMs, 1, 1000),
  }
}

function snapshotName(index: number): string {
  return `${String(index).padStart(16, '0')}.snapshot`
}

async function readInfo(files: Files, path: string): Promise<SnapshotInfo> {
  const file = await files.open(path, 'read')
  try {
    return decodeSnapshotHeader(await file.read(0, SNAPSHOT_HEADER_BYTES), path)
  } finally {
    await file.close()
  }
}

async function readChunks(file: OpenFile, path: string, take: (chunk: Uint8Array) => void): Promise<void> {
  const header = await file.read(0, SNAPSHOT_HEADER_BYTES)
  decodeSnapshotHeader(header, path)
  const seed = snapshotSeed(header)
  const size = await file.size()
  let at = SNAPSHOT_HEADER_BYTES
  for (let number = 0; ; number++) {
    if (at + SNAPSHOT_END_BYTES > size) throw damaged(path, at)
    const start = new ByteReader(await file.read(at, CHUNK_HEADER_BYTES))
    const length = start.uint32()
    const crc = start.uint32()
    const bytes = length === 0 ? 8 : length
    if (at + CHUNK_HEADER_BYTES + bytes > size) throw damaged(path, at)
    const chunk = await file.read(at + CHUNK_HEADER_BYTES, bytes)
    if (chunk.length !== bytes || chunkCrc(chunk, number, seed) !== crc) throw damaged(path, at)
    if (length === 0) {
      if (new ByteReader(chunk).counter() !== number) throw damaged(path, at)
      return
    }
    take(chunk)
    at += CHUNK_HEADER_BYTES + length
  }
}
