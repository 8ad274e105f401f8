import { subscribe } from 'node:diagnostics_channel'
import type { Instance, Registry } from 'fenbu/registry'
import { JOURNEY_CHANNEL, type Journey as RpcJourney } from 'fenbu/rpc'
import type { Journey } from './journey.ts'

/** The latest calls that this process made for requests, with the names of the instances that it called. */
export class JourneyLog {
  readonly #caller: string
  /** By request id, the oldest first. */
  readonly #journeys = new Map<string, Journey[]>()
  /** Names of instances, also of those that are gone. */
  readonly #names = new Map<string, string>()

  constructor(caller: string, registry: Registry, services: readonly string[]) {
    this.#caller = caller
    for (const service of services) {
      registry.watch(service).subscribe(({ instances }) => {
        for (const instance of instances) remember(this.#names, instance.id, nameOf(instance))
      })
    }
    subscribe(JOURNEY_CHANNEL, (message) => this.#add(message as RpcJourney))
  }

  /** The calls made for a request, the newest last. */
  of(requestId: string): readonly Journey[] {
    return this.#journeys.get(requestId) ?? []
  }

  #add(journey: RpcJourney): void {
    const requestId = journey.metadata['idempotency-key']
    if (requestId === undefined) return
    remember(this.#journeys, requestId, [...this.of(requestId), this.#translate(journey)])
  }

  #translate({ service, method, lookup, attempts, result, durationMs }: RpcJourney): Journey {
    return {
      caller: this.#caller,
      service,
      method,
      instances: lookup?.instances ?? 0,
      source: lookup?.source ?? 'no',
      lookUpMs: lookup?.durationMs ?? 0,
      attempts: attempts.map((attempt) => ({
        instance: this.#names.get(attempt.instanceId) ?? attempt.instanceId,
        address: attempt.address,
        result: attempt.result,
        totalMs: attempt.durationMs,
        handlerMs: attempt.handlerMs ?? 0,
      })),
      result,
      totalMs: durationMs,
    }
  }
}

/** `order-1/4711`: what the process is in the shop, and its process id. */
function nameOf({ id, metadata: { name = id, pid = '' } }: Instance): string {
  return `${name}/${pid}`
}

/** What is kept of requests and of instances. */
const ENTRIES_MAX = 1_000

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value)
  if (map.size <= ENTRIES_MAX) return
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
