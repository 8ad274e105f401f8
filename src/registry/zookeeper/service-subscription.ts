import { randomBytes } from 'node:crypto'
import {
  byId,
  type DecodedRecord,
  decodeInstance,
  decodeName,
  type Instance,
  ListGuard,
  type ListGuardOutput,
  type ListSource,
  providersPath,
  retryDelayMs,
} from '../core/index.ts'
import { registryError } from '../errors.ts'
import { Repeater } from '../repeater.ts'
import { ServiceList } from '../service-list.ts'
import type { RegistryContext } from './registry-context.ts'
import { isRefusal, unlessMissing } from './tree-errors.ts'

/** Records read at a time. */
const READS_IN_FLIGHT_MAX = 64

/**
 * Keeps the list of one service. Watches say *that* something changed, a reading says *what*: names of all
 * instances, and the records of those that are new or changed. Bursts of changes come together in one reading
 * (`coalesceMs`), and every `verifyMs` the names are read even if nothing seems to have changed.
 */
export class ServiceSubscription {
  readonly list: ServiceList
  readonly #service: string
  readonly #context: RegistryContext
  readonly #path: string
  readonly #repeater: Repeater
  readonly #guard: ListGuard
  readonly #guardOutput: ListGuardOutput
  readonly #published: (instances: readonly Instance[], source: ListSource) => void
  readonly #records = new Map<string, DecodedRecord>()
  /** Names whose record changed since it was last asked for. */
  readonly #stale = new Set<string>()
  #readAgainAtMs: number | undefined
  #attempt = 0

  constructor(
    context: RegistryContext,
    service: string,
    published: (instances: readonly Instance[], source: ListSource) => void,
  ) {
    this.list = new ServiceList(service)
    this.#service = service
    this.#context = context
    this.#path = providersPath(context.options.root, service)
    this.#published = published
    this.#guard = new ListGuard(context.options)
    this.#guardOutput = {
      publish: (instances, source) => this.#publish(instances, source),
      readAgainAt: (ms) => {
        this.#readAgainAtMs = ms
      },
    }
    this.#repeater = new Repeater(() => this.#check(), context.options.coalesceMs)
    if (context.client.state === 'connected') this.connected()
    this.#repeater.kick()
  }

  /** The registry has not answered: go on with the list of an earlier run. */
  useCached(instances: readonly Instance[]): void {
    this.#guard.step({ type: 'cached', instances }, this.#guardOutput)
  }

  connected(): void {
    this.#guard.step({ type: 'connected', nowMs: performance.now() }, this.#guardOutput)
    // What changed meanwhile fires the watches; after a new session everything is read anew.
    this.#repeater.kick()
  }

  disturbed(): void {
    this.#guard.step({ type: 'disturbed', nowMs: performance.now() }, this.#guardOutput)
    this.#readAgainAtMs = undefined
    for (const name of this.#records.keys()) this.#stale.add(name)
  }

  async close(): Promise<void> {
    this.list.close()
    this.#context.recovered(this)
    await this.#repeater.stop()
  }

  async #check(): Promise<number> {
    const begunMs = performance.now()
    try {
      const instances = await this.#read(begunMs)
      this.#attempt = 0
      this.#context.recovered(this)
      if (this.#decides(begunMs)) this.#readAgainAtMs = undefined
      this.#guard.step({ type: 'listed', begunMs, nowMs: performance.now(), instances }, this.#guardOutput)
      return this.#pauseMs()
    } catch (error) {
      this.#failed(error)
      return retryDelayMs(this.#attempt++, randomBytes(4).readUInt32BE())
    }
  }

  /** A reading that begins then is the second one. */
  #decides(begunMs: number): boolean {
    return this.#readAgainAtMs !== undefined && begunMs >= this.#readAgainAtMs
  }

  /** A reading that came a moment before its time, as timers may, is made once more. */
  #pauseMs(): number {
    const { verifyMs } = this.#context.options
    if (this.#readAgainAtMs === undefined) return verifyMs
    return Math.min(verifyMs, Math.max(0, this.#readAgainAtMs - performance.now()))
  }

  #publish(instances: readonly Instance[], source: ListSource): void {
    this.list.publish(instances, source)
    this.#published(instances, source)
  }

  #failed(cause: unknown): void {
    this.#context.report(this, cause)
    if (isRefusal(cause))
      this.list.fail(
        registryError(
          'REGISTRY_REFUSED',
          `${this.#context.url} refuses to list ${this.#service} at ${this.#path}`,
          { cause },
        ),
      )
  }

  async #read(begunMs: number): Promise<readonly Instance[]> {
    const { client } = this.#context
    // Not on the word of a server that lags behind.
    if (this.#decides(begunMs)) await client.sync(this.#path)
    const names = await this.#names()
    for (const name of [...this.#records.keys()]) if (!names.has(name)) this.#forget(name)
    const unread = [...names].filter((name) => this.#stale.has(name) || !this.#records.has(name))
    for (let at = 0; at < unread.length; at += READS_IN_FLIGHT_MAX)
      await allDone(unread.slice(at, at + READS_IN_FLIGHT_MAX).map((name) => this.#readRecord(name)))
    return this.#instances()
  }

  async #names(): Promise<ReadonlySet<string>> {
    const { client } = this.#context
    for (;;) {
      const found = await unlessMissing(client.children(this.#path, { watch: this.#onFolder }))
      if (found !== undefined) return new Set(found.children)
      // Nobody has ever provided it; the watch fires when someone does.
      if ((await client.exists(this.#path, { watch: this.#onFolder })) === undefined) return new Set()
    }
  }

  async #readRecord(name: string): Promise<void> {
    // Before the reading: the event of a later change may come together with the reply.
    this.#stale.delete(name)
    try {
      const node = await unlessMissing(
        this.#context.client.get(`${this.#path}/${name}`, { watch: this.#onRecord }),
      )
      if (node === undefined) this.#records.delete(name)
      else this.#take(name, this.#decode(name, node.data))
    } catch (error) {
      this.#stale.add(name)
      throw error
    }
  }

  #decode(name: string, data: Uint8Array): DecodedRecord {
    const id = decodeName(name)
    if (id === undefined) return { type: 'ignored', reason: 'wrong-place', detail: 'the name is not encoded' }
    return decodeInstance(data, { service: this.#service, id })
  }

  #take(name: string, record: DecodedRecord): void {
    this.#records.set(name, record)
    if (record.type === 'ignored') this.#context.ignored[record.reason]++
  }

  #forget(name: string): void {
    this.#records.delete(name)
    this.#stale.delete(name)
  }

  #instances(): readonly Instance[] {
    return [...this.#records.values()]
      .flatMap((record) => (record.type === 'instance' ? [record.instance] : []))
      .sort(byId)
  }

  readonly #onFolder = (): void => this.#repeater.kick()

  /** One listener for all records: the path says which. */
  readonly #onRecord = (event: { readonly path: string }): void => {
    this.#stale.add(event.path.slice(this.#path.length + 1))
    this.#repeater.kick()
  }
}

/** Waits for all, also where one fails: none may come in late, over what a later reading says. */
async function allDone(readings: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(readings)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}
