import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type CachedLists, type CacheOwner, decodeCache, encodeCache, type Instance } from './core/index.ts'
import { registryError } from './errors.ts'
import { Repeater } from './repeater.ts'

/** Changes of this long are written together, ms. */
const WRITE_GAP_MS = 200
/** No retry by itself: the next change of a list writes again. */
const NEVER_MS = 2 ** 31 - 1

/** Told, not thrown: an application runs well without its cache. */
export type CacheTrouble = (error: Error | undefined) => void

/**
 * The lists of an application as a file, so that it can start while the registry is away. It is replaced as a
 * whole by a rename, never synced: after a power cut it may be old or gone, never half. Processes of the same
 * application share it; each keeps what the others wrote about services that it does not watch itself.
 */
export class CacheFile {
  readonly path: string
  readonly #owner: CacheOwner
  readonly #trouble: CacheTrouble
  readonly #folder: string
  readonly #own = new Map<string, readonly Instance[]>()
  readonly #repeater: Repeater
  #loaded: CachedLists = new Map()
  #unwritten = false
  /** What was reported already: it is met again when the file is written. */
  #damagedText: string | undefined

  private constructor(folder: string, owner: CacheOwner, trouble: CacheTrouble) {
    const hash = createHash('sha256').update(`${owner.registry}\n${owner.app}`).digest('hex').slice(0, 16)
    this.#folder = folder
    this.#owner = owner
    this.#trouble = trouble
    this.path = join(folder, `${encodeURIComponent(owner.app).slice(0, 60)}-${hash}.json`)
    this.#repeater = new Repeater(() => this.#write(), WRITE_GAP_MS)
  }

  /** Reads the file if there is one; a damaged one is reported and ignored. */
  static async open(folder: string, owner: CacheOwner, trouble: CacheTrouble): Promise<CacheFile> {
    const cache = new CacheFile(folder, owner, trouble)
    cache.#loaded = (await cache.#read()) ?? new Map()
    return cache
  }

  /** True if an earlier process left lists to start on. */
  get filled(): boolean {
    return this.#loaded.size > 0
  }

  /** The last live list of this process or of an earlier one. */
  get(service: string): readonly Instance[] | undefined {
    return this.#own.get(service) ?? this.#loaded.get(service)
  }

  put(service: string, instances: readonly Instance[]): void {
    this.#own.set(service, instances)
    this.#unwritten = true
    this.#repeater.kick()
  }

  async close(): Promise<void> {
    await this.#repeater.stop()
    if (this.#unwritten) await this.#write()
  }

  async #read(): Promise<CachedLists | undefined> {
    const text = await this.#readText()
    if (text === undefined) return undefined
    const decoded = decodeCache(text, this.#owner)
    if (decoded.type === 'lists') return decoded.lists
    if (text !== this.#damagedText) this.#damaged(text, decoded.detail)
    return undefined
  }

  #damaged(text: string, detail: string): void {
    this.#damagedText = text
    this.#trouble(registryError('REGISTRY_CACHE_CORRUPT', `cache file ${this.path} is ignored: ${detail}`))
  }

  async #readText(): Promise<string | undefined> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('read', cause)
      return undefined
    }
  }

  async #write(): Promise<number> {
    const temporary = `${this.path}.${process.pid}.${randomBytes(4).toString('hex')}`
    this.#unwritten = false
    try {
      const others = await this.#read()
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await writeFile(temporary, encodeCache(this.#owner, new Map([...(others ?? []), ...this.#own])), {
        mode: 0o600,
      })
      await rename(temporary, this.path)
      this.#trouble(undefined)
    } catch (cause) {
      this.#failed('write', cause)
      await rm(temporary, { force: true }).catch((error: unknown) => this.#failed('remove', error))
    }
    return NEVER_MS
  }

  #failed(what: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#trouble(
      registryError('REGISTRY_CACHE_FAILED', `cannot ${what} the cache file ${this.path}: ${why}`, { cause }),
    )
  }
}

/** `fenbu` in the folder that the operating system gives each user for caches. */
export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'fenbu', 'Cache')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'fenbu')
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'fenbu')
}
