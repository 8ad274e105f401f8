import { channel } from 'node:diagnostics_channel'
import type { Outcome } from '../../base/index.ts'
import { decodeMetadata, type Metadata } from '../core/index.ts'
import type { Request } from './invocation.ts'
import type { Instance, ServiceTarget } from './service-target.ts'

/** One attempt of a call; times count from the moment of the call. */
export interface JourneyAttempt {
  /** 1 for the first. */
  readonly attempt: number
  readonly instanceId: string
  /** `host:port`. */
  readonly address: string
  readonly version: string
  readonly startedMs: number
  readonly durationMs: number
  /** Time until the request was written, such as for a connection; undefined if it never was. */
  readonly sentAfterMs: number | undefined
  /** Time in the handler as the provider says; the rest of the duration is network and queues. */
  readonly handlerMs: number | undefined
  /** `ok`, or the code of the error. */
  readonly result: string
}

/** Where the list of instances came from. */
export interface JourneyLookup {
  readonly revision: number
  readonly source: 'live' | 'cached' | 'kept'
  /** Instances that fit group and version and take calls. */
  readonly instances: number
  readonly durationMs: number
}

/** What happened to one call, step by step. */
export interface Journey {
  readonly service: string
  readonly method: string
  readonly group: string
  /** The range of versions asked for. */
  readonly version: string
  /** Wall clock of the call, ms. */
  readonly startedMs: number
  readonly durationMs: number
  readonly timeoutMs: number
  readonly idempotent: boolean
  /** As the caller set it: joins this call to the request it belongs to (`traceparent`, `idempotency-key`). */
  readonly metadata: Metadata
  /** Undefined if there was no list in time. */
  readonly lookup: JourneyLookup | undefined
  readonly attempts: readonly JourneyAttempt[]
  /** `ok`, or the code of the error (`aborted` if the signal's reason has none). */
  readonly result: string
  readonly outcome: Outcome
}

/** Every finished call is published on this diagnostics channel as a `Journey` while anyone listens. */
export const JOURNEY_CHANNEL = 'fenbu:rpc:call'

const journeys = channel(JOURNEY_CHANNEL)

type Listener = ((journey: Journey) => void) | undefined

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Writes down one call while it happens. Made only if someone wants to know. */
export class JourneyRecorder {
  readonly #listener: Listener
  readonly #startMs: number
  readonly #journey: Mutable<Journey> & { attempts: JourneyAttempt[] }
  #open: Mutable<JourneyAttempt> | undefined

  private constructor(listener: Listener, startMs: number, journey: Journey) {
    this.#listener = listener
    this.#startMs = startMs
    this.#journey = { ...journey, attempts: [] }
  }

  /** Undefined while nobody listens. */
  static start(listener: Listener, request: Request, nowMs: number): JourneyRecorder | undefined {
    if (listener === undefined && !journeys.hasSubscribers) return undefined
    const { target, method, idempotent, deadlineMs, metadata } = request
    return new JourneyRecorder(listener, nowMs, {
      service: target.service,
      method,
      group: target.group,
      version: target.range.text,
      startedMs: Date.now(),
      durationMs: 0,
      timeoutMs: Math.round(deadlineMs - nowMs),
      idempotent,
      metadata: decodeMetadata(metadata),
      lookup: undefined,
      attempts: [],
      result: '',
      outcome: 'not-executed',
    })
  }

  looked(target: ServiceTarget, nowMs: number): void {
    const list = target.list
    if (list === undefined) return
    this.#journey.lookup = {
      revision: list.revision,
      source: list.source,
      instances: target.governance.members.length,
      durationMs: nowMs - this.#startMs,
    }
  }

  attempt(attempt: number, instance: Instance, nowMs: number): void {
    this.#open = {
      attempt,
      instanceId: instance.id,
      address: instance.channel.name,
      version: instance.version,
      startedMs: nowMs - this.#startMs,
      durationMs: 0,
      sentAfterMs: undefined,
      handlerMs: undefined,
      result: '',
    }
    this.#journey.attempts.push(this.#open)
  }

  sent(): void {
    if (this.#open) this.#open.sentAfterMs = this.#elapsedMs() - this.#open.startedMs
  }

  attemptEnded(result: string, handlerMicros: number | undefined): void {
    if (!this.#open) return
    this.#open.durationMs = this.#elapsedMs() - this.#open.startedMs
    this.#open.handlerMs = handlerMicros === undefined ? undefined : handlerMicros / 1000
    this.#open.result = result
    this.#open = undefined
  }

  ended(result: string, outcome: Outcome): void {
    this.#journey.durationMs = this.#elapsedMs()
    this.#journey.result = result
    this.#journey.outcome = outcome
    journeys.publish(this.#journey)
    this.#listener?.(this.#journey)
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs
  }
}
