import type { FenbuError } from '../../base/index.ts'
import type { Registry } from '../../registry/index.ts'
import { outsideCalls } from '../call-context.ts'
import { rpcError } from '../core/index.ts'
import type { Channels } from './channels.ts'
import type { ResolvedServiceOptions } from './options.ts'
import { ServiceTarget } from './service-target.ts'

/** Targets of generic invocations that are kept: whoever asks for names may ask for any number of them. */
const INVOKED_TARGETS_MAX = 256

/**
 * The services that a client watches: those of its proxies for good, those of generic invocations until many others
 * have been asked for since.
 */
export class Targets {
  readonly #registry: Registry
  readonly #channels: Channels
  readonly #maxQueued: number
  readonly #bound = new Map<string, ServiceTarget>()
  /** The least recently used first. */
  readonly #invoked = new Map<string, ServiceTarget>()

  constructor(registry: Registry, channels: Channels, maxQueued: number) {
    this.#registry = registry
    this.#channels = channels
    this.#maxQueued = maxQueued
  }

  /** For a proxy. */
  bound(service: string, options: ResolvedServiceOptions): ServiceTarget {
    const key = keyOf(service, options)
    let target = this.#bound.get(key)
    if (target === undefined) {
      target = this.#make(service, options)
      this.#bound.set(key, target)
    }
    return target
  }

  /** For one invocation by name. */
  invoked(service: string, options: ResolvedServiceOptions): ServiceTarget {
    const key = keyOf(service, options)
    const target = this.#bound.get(key) ?? this.#invoked.get(key) ?? this.#make(service, options)
    if (this.#bound.has(key)) return target
    this.#invoked.delete(key)
    this.#invoked.set(key, target)
    if (this.#invoked.size > INVOKED_TARGETS_MAX) this.#dropOldest()
    return target
  }

  close(reason: FenbuError): void {
    for (const target of [...this.#bound.values(), ...this.#invoked.values()]) target.close(reason)
    this.#bound.clear()
    this.#invoked.clear()
  }

  #make(service: string, options: ResolvedServiceOptions): ServiceTarget {
    const { group, range, loadBalance, retries } = options
    // The registry may open connections for the watch: they belong to no call.
    const settings = { service, group, range, loadBalance, retries, maxQueued: this.#maxQueued }
    return outsideCalls(() => new ServiceTarget(settings, this.#registry, this.#channels))
  }

  /** A call to it that is at an instance goes on, and is only not retried any more; one that waits for a list fails. */
  #dropOldest(): void {
    for (const [key, target] of this.#invoked) {
      this.#invoked.delete(key)
      target.close(
        rpcError(
          'RPC_QUEUE_FULL',
          `${INVOKED_TARGETS_MAX} other services were asked for while this call waited for the instances of ${target.service}`,
        ),
      )
      return
    }
  }
}

function keyOf(service: string, { group, range, loadBalance, retries }: ResolvedServiceOptions): string {
  return JSON.stringify([service, group, range.text, loadBalance, retries])
}
