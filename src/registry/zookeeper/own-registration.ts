import { randomBytes } from 'node:crypto'
import {
  encodeInstance,
  foldersOf,
  type Instance,
  type InstanceChange,
  providerPath,
  retryDelayMs,
} from '../core/index.ts'
import { registryError } from '../errors.ts'
import { timeoutOption } from '../options.ts'
import { changedInstance } from '../own-instance.ts'
import type { Registration, WaitOptions } from '../registry.ts'
import { Repeater } from '../repeater.ts'
import { withinTime } from '../time-limit.ts'
import { Waiter } from '../waiter.ts'
import type { Leftovers } from './leftovers.ts'
import type { RegistryContext } from './registry-context.ts'
import { isRefusal, unlessExisting, unlessMissing } from './tree-errors.ts'

/** Repairs within one check: more in a row means that someone else fights for the node. */
const REPAIRS_MAX = 5
/** Consumers get the time of so many readings to see a farewell. */
const FAREWELL_READINGS = 2
const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * One registration that keeps itself true. Nothing that was written once is taken for granted: on every
 * connection, every new session, every event of its node and every `verifyMs` it reads the node and repairs what
 * differs. A node that another session owns is deleted and made anew, since it would vanish with that session:
 * it is this process's own former registration.
 */
export class OwnRegistration implements Registration {
  instance: Instance
  readonly #context: RegistryContext
  readonly #path: string
  readonly #repeater: Repeater
  /** Those who wait for a change to be read back, and for which. */
  readonly #waiters = new Map<Waiter<void>, number>()
  readonly #onNode = (): void => this.#repeater.kick()
  #wanted: Instance
  /** Counts the changes of `#wanted`. */
  #generation = 1
  #attempt = 0
  #verifiedSession: bigint | undefined
  /** Ends the repair under way when the registration leaves. */
  readonly #end = new AbortController()
  #leaving: Promise<void> | undefined
  readonly #leftovers: Leftovers
  readonly #left: () => void

  constructor(context: RegistryContext, instance: Instance, leftovers: Leftovers, left: () => void) {
    this.instance = instance
    this.#wanted = instance
    this.#context = context
    this.#path = providerPath(context.options.root, instance.service, instance.id)
    this.#leftovers = leftovers
    this.#left = left
    this.#repeater = new Repeater(() => this.#check())
    this.#repeater.kick()
  }

  /** It was read back in the session that is in force. */
  get verified(): boolean {
    const session = this.#context.client.session
    return session !== undefined && session.id === this.#verifiedSession
  }

  /** Look now: the connection or the session changed. */
  kick(): void {
    this.#repeater.kick()
  }

  /** Resolves once what is wanted now was read back. */
  confirmed(signal: AbortSignal): Promise<void> {
    const waiter = new Waiter<void>(signal, (settled) => this.#waiters.delete(settled))
    if (!signal.aborted) this.#waiters.set(waiter, this.#generation)
    return waiter.promise
  }

  async update(change: InstanceChange, options: WaitOptions = {}): Promise<void> {
    if (this.#leaving) throw this.#deregistered()
    this.#wanted = changedInstance(this.#wanted, change)
    this.#generation++
    this.#repeater.kick()
    await this.#confirmedInTime(options)
  }

  deregister(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #confirmedInTime({ signal, timeoutMs }: WaitOptions): Promise<void> {
    const { options, url } = this.#context
    const limitMs = timeoutOption('update', timeoutMs, options.changeTimeoutMs)
    await withinTime(
      { signal, timeoutMs: limitMs },
      (limit) => this.confirmed(limit),
      (cause) =>
        registryError(
          'REGISTRY_UNREACHABLE',
          `${url} did not confirm a change of ${this.#path} within ${limitMs} ms; it is made when the registry is back`,
          { cause },
        ),
    )
  }

  async #check(): Promise<number> {
    const generation = this.#generation
    const wanted = this.#wanted
    try {
      const session = await this.#repair(wanted)
      this.#attempt = 0
      this.#verifiedSession = session
      this.instance = wanted
      this.#context.recovered(this)
      for (const [waiter, awaited] of [...this.#waiters]) if (awaited <= generation) waiter.resolve()
      return this.#context.options.verifyMs
    } catch (error) {
      this.#failed(error)
      return retryDelayMs(this.#attempt++, randomBytes(4).readUInt32BE())
    }
  }

  #failed(cause: unknown): void {
    this.#verifiedSession = undefined
    this.#context.report(this, cause)
    if (!isRefusal(cause)) return
    const error = registryError(
      'REGISTRY_REFUSED',
      `${this.#context.url} refuses the registration of ${this.#wanted.service} at ${this.#path}`,
      { cause },
    )
    this.#refuseWaiters(error)
  }

  /** Returns the session that owns the node, once the node reads as wanted. */
  async #repair(wanted: Instance): Promise<bigint> {
    const { client } = this.#context
    const data = encodeInstance(wanted)
    const { signal } = this.#end
    for (let repairs = 0; repairs < REPAIRS_MAX; repairs++) {
      const node = await unlessMissing(client.get(this.#path, { watch: this.#onNode, signal }))
      signal.throwIfAborted()
      const session = client.session?.id
      if (node === undefined) await this.#create(data)
      else if (node.stat.ephemeralOwner !== session)
        await unlessMissing(client.delete(this.#path, { version: node.stat.version }))
      else if (!sameBytes(node.data, data)) await unlessMissing(client.set(this.#path, data))
      else return session
    }
    throw registryError(
      'REGISTRY_UNREACHABLE',
      `${this.#path} at ${this.#context.url} was changed by someone else ${REPAIRS_MAX} times while it was registered`,
    )
  }

  async #create(data: Uint8Array): Promise<void> {
    const { client } = this.#context
    const made = await unlessMissing(unlessExisting(client.create(this.#path, data, { mode: 'ephemeral' })))
    if (made !== undefined) return
    for (const folder of foldersOf(this.#path)) await unlessExisting(client.create(folder, NOTHING))
  }

  async #leave(): Promise<void> {
    try {
      this.#refuseWaiters(this.#deregistered())
      this.#end.abort(this.#deregistered())
      await this.#repeater.stop()
      await this.#remove()
    } finally {
      this.#verifiedSession = undefined
      this.#context.recovered(this)
      this.#left()
    }
  }

  async #remove(): Promise<void> {
    const { client, options, url } = this.#context
    // Without a session there is no node: there never was one, or it went with the session.
    if (client.session === undefined || client.state === 'closed') return
    const signal = AbortSignal.timeout(options.changeTimeoutMs)
    if (this.#verifiedSession !== undefined && this.#wanted.state === 'up') await this.#sayGoodbye(signal)
    for (let attempt = 0; ; attempt++) {
      try {
        await unlessMissing(client.delete(this.#path, { signal }))
        return
      } catch (cause) {
        if (signal.aborted || isRefusal(cause)) {
          this.#leftovers.add(this.#path)
          throw registryError(
            'REGISTRY_UNREACHABLE',
            `${url} did not confirm the removal of ${this.#path} within ${options.changeTimeoutMs} ms; it is removed when the registry is back, or ends with the session`,
            { cause },
          )
        }
        await pause(retryDelayMs(attempt, randomBytes(4).readUInt32BE()))
      }
    }
  }

  /** Consumers that see it drain do not take its end for a loss of the registry. Without it they notice later. */
  async #sayGoodbye(signal: AbortSignal): Promise<void> {
    const { client, options } = this.#context
    const leaving = encodeInstance({ ...this.#wanted, state: 'draining' })
    try {
      await unlessMissing(client.set(this.#path, leaving, { signal }))
    } catch (error) {
      // The removal that follows meets the same registry, and says what is wrong.
      this.#context.report(this, error)
      return
    }
    await pause(options.coalesceMs * FAREWELL_READINGS)
  }

  #refuseWaiters(error: unknown): void {
    for (const waiter of [...this.#waiters.keys()]) waiter.reject(error)
  }

  #deregistered(): Error {
    const { service, id } = this.#wanted
    return registryError('REGISTRY_DEREGISTERED', `instance ${id} of ${service} was deregistered`)
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
