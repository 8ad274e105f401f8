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
/** Services in the file; beyond that, those go whose lists have not changed for longest. */
const SERVICES_MAX = 256

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
  /** What this process saw, in the order of the last changes; empty for a service that is to leave the file. */
  readonly #own = new Map<string, readonly Instance[]>()
  readonly #repeater: Repeater
  /** What an earlier process left, of services that this one has not seen. */
  #loaded = new Map<string, readonly Instance[]>()
  #filled = false
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
    cache.#loaded = new Map(newest(await cache.#read()))
    cache.#filled = cache.#loaded.size > 0
    return cache
  }

  /** True if an earlier process left lists to start on. */
  get filled(): boolean {
    return this.#filled
  }

  /** The last live list of this process or of an earlier one. */
  get(service: string): readonly Instance[] | undefined {
    const instances = this.#own.get(service) ?? this.#loaded.get(service)
    return instances?.length === 0 ? undefined : instances
  }

  /** An empty list leaves the cache: nobody can start on it, and any name may be asked for. */
  put(service: string, instances: readonly Instance[]): void {
    if (instances.length === 0 && this.get(service) === undefined) return
    this.#loaded.delete(service)
    this.#own.delete(service)
    this.#own.set(service, instances)
    for (const oldest of this.#own.keys()) {
      if (this.#own.size <= SERVICES_MAX) break
      this.#own.delete(oldest)
    }
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
      const lists = newest(await this.#read(), this.#own)
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await writeFile(temporary, encodeCache(this.#owner, lists), { mode: 0o600 })
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

/** The lists that have instances, later ones in place of earlier ones, the last changed last. */
function newest(...sources: readonly (CachedLists | undefined)[]): CachedLists {
  const all = new Map<string, readonly Instance[]>()
  for (const [service, instances] of sources.flatMap((lists) => [...(lists ?? [])])) {
    all.delete(service)
    if (instances.length > 0) all.set(service, instances)
  }
  return new Map([...all].slice(-SERVICES_MAX))
}

/** `fenbu` in the folder that the operating system gives each user for caches. */
export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'fenbu', 'Cache')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'fenbu')
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'fenbu')
}
