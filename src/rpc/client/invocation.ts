import { FenbuError, isFenbuError } from '../../base/index.ts'
import { mayRetry, patienceMs } from '../../governance/index.ts'
import type { AmbientCall, DependentCall } from '../call-context.ts'
import { Deadline, rpcError, type WrittenCall } from '../core/index.ts'
import type { DeadlineTimer } from '../deadline-timer.ts'
import { unwatchSignal, watchSignal } from './abort-watch.ts'
import type { ClientConnection } from './client-connection.ts'
import type { JourneyRecorder } from './journey.ts'
import type { Instance, ListWaiter, ServiceTarget } from './service-target.ts'

/** What is asked for, fixed when the call is made. */
export interface Request {
  readonly target: ServiceTarget
  readonly method: string
  /** Encoded at once, so that every attempt sends the same. */
  readonly args: Uint8Array
  readonly metadata: Uint8Array
  readonly idempotent: boolean
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
  /** The call that is being handled where this one was made. */
  readonly parent: AmbientCall | undefined
}

/** What all invocations of a client share. */
export interface InvocationWorld {
  readonly deadlines: DeadlineTimer<Invocation>
  /** A uniform integer below 2^32. */
  random(): number
}

const NOTHING_TRIED: readonly Instance[] = []

/**
 * One call of a consumer from the moment it is made until it is settled: its attempts, its one deadline, and what
 * is known about whether it ran. Whatever happens to it comes in as one of the methods below.
 */
export class Invocation extends Deadline implements DependentCall, WrittenCall, ListWaiter {
  /** Of the current attempt; 1 for the first. */
  attempt = 0
  writtenAt = 0
  readonly #world: InvocationWorld
  readonly #request: Request
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #recorder: JourneyRecorder | undefined
  #instance: Instance | undefined
  #tried: readonly Instance[] = NOTHING_TRIED
  /** Where the current attempt was written; undefined while it was not. */
  #connection: ClientConnection | undefined
  #callId = 0
  /** The instance has shown no life since; monotonic ms. */
  #silentSinceMs = 0
  #patienceMs = 0
  #probed = false
  #idempotent = false
  #mayHaveRun = false
  #settled = false
  #awaitsList = false

  constructor(
    world: InvocationWorld,
    request: Request,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    recorder: JourneyRecorder | undefined,
  ) {
    super()
    this.#world = world
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    this.#recorder = recorder
  }

  get args(): Uint8Array {
    return this.#request.args
  }

  get metadata(): Uint8Array {
    return this.#request.metadata
  }

  /** The caller or the provider of the current attempt says that running it twice does no harm. */
  get idempotent(): boolean {
    return this.#idempotent
  }

  /** Makes the first attempt, at once if the instances are known. */
  start(nowMs: number): void {
    this.#followCancellation()
    if (this.#settled) return
    const { target, deadlineMs } = this.#request
    if (nowMs >= deadlineMs) {
      this.#timeOut()
      return
    }
    if (target.list !== undefined) {
      this.#begin(nowMs)
      return
    }
    this.#awaitsList = true
    this.#world.deadlines.add(this, deadlineMs)
    try {
      target.awaitList(this)
    } catch (error) {
      this.#fail(error)
    }
  }

  listed(): void {
    this.#begin(performance.now())
  }

  unlisted(reason: unknown): void {
    this.#fail(reason)
  }

  /** Time that the provider gets for the current attempt, ms. */
  remainingMs(nowMs: number): number {
    return Math.max(1, Math.ceil(this.#request.deadlineMs - nowMs))
  }

  sent(connection: ClientConnection, callId: number): void {
    this.#connection = connection
    this.#callId = callId
    this.#recorder?.sent()
  }

  answered(value: unknown, handlerMicros: number): void {
    if (this.#settled) return
    this.#endAttempt('ok', false, handlerMicros)
    this.#settle()
    this.#recorder?.ended('ok', 'executed')
    this.#resolve(value)
  }

  /** The method's own error, or a value that cannot cross: never asked for again. */
  answeredError(error: FenbuError, handlerMicros: number | undefined): void {
    if (this.#settled) return
    this.#endAttempt(error.code, false, handlerMicros)
    this.#fail(error)
  }

  /** Refused before the handler, so that another instance may take it. */
  refused(error: FenbuError): void {
    if (this.#settled) return
    this.#endAttempt(error.code, false, undefined)
    const { members } = this.#request.target.governance
    const untried = members.some((member) => this.#mayGoTo(member) && !this.#tried.includes(member))
    if (untried) this.#continue(error, true)
    else this.#fail(error)
  }

  /** It never left this process; `unreachable` if the instance is to blame. */
  unsent(error: FenbuError, unreachable: boolean): void {
    this.#attemptFailed(error, true, unreachable)
  }

  /** Its connection broke after it was written. */
  lost(error: FenbuError): void {
    this.#attemptFailed(error, false, true)
  }

  /** The caller gave up, or the call on whose behalf this one was made ended. */
  abort(reason: unknown): void {
    if (this.#settled) return
    this.#withdraw('aborted')
    if (this.#instance) this.#endAttempt('aborted', false, undefined)
    this.#fail(reason)
  }

  /** A moment that was waited for has come: the deadline, or the time to look after the instance. */
  due(): void {
    if (this.#settled) return
    const nowMs = performance.now()
    if (nowMs >= this.#request.deadlineMs) this.#timeOut()
    else this.#lookAfterInstance(nowMs)
  }

  #begin(nowMs: number): void {
    if (this.#settled) return
    this.#recorder?.looked(this.#request.target, nowMs)
    this.#next(nowMs)
  }

  #next(nowMs: number): void {
    const { target, deadlineMs, method } = this.#request
    const fits = this.#mayHaveRun ? (member: Instance) => this.#idempotentAt(member) : undefined
    const instance = target.governance.pick(nowMs, this.#world.random, this.#tried, fits)
    if (instance === undefined) {
      this.#fail(target.noInstance())
      return
    }
    this.attempt++
    this.#idempotent = this.#idempotentAt(instance)
    this.#instance = instance
    this.#connection = undefined
    this.#silentSinceMs = nowMs
    this.#probed = false
    this.#patienceMs = patienceMs(deadlineMs - nowMs, this.attempt, target.retries)
    target.governance.onStart(instance)
    this.#recorder?.attempt(this.attempt, instance, nowMs)
    this.#wakeAt(nowMs + this.#patienceMs / 2)
    this.#send(instance, method, nowMs)
  }

  #send(instance: Instance, method: string, nowMs: number): void {
    try {
      instance.channel.send(this, instance.methodNamed(method), nowMs)
    } catch (error) {
      if (!isFenbuError(error)) throw error
      if (error.code === 'RPC_QUEUE_FULL') this.#attemptFailed(error, true, false)
      else this.answeredError(error, undefined)
    }
  }

  #attemptFailed(error: FenbuError, surelyNotRun: boolean, instanceFailed: boolean): void {
    if (this.#settled) return
    this.#endAttempt(error.code, instanceFailed, undefined)
    this.#continue(error, surelyNotRun)
  }

  /** The attempt is over: the next one if there may be one, else the end of the call. */
  #continue(error: FenbuError, surelyNotRun: boolean): void {
    if (!surelyNotRun) this.#mayHaveRun = true
    const nowMs = performance.now()
    if (nowMs < this.#request.deadlineMs && this.#mayRetry(surelyNotRun)) this.#next(nowMs)
    else this.#fail(error)
  }

  #mayRetry(surelyNotRun: boolean): boolean {
    const { retries, governance } = this.#request.target
    if (!mayRetry({ attempt: this.attempt, surelyNotRun }, { retries, idempotent: this.#idempotent }))
      return false
    return governance.members.some((member) => this.#mayGoTo(member, surelyNotRun))
  }

  /** A call that may have run goes only to those who say themselves that running it twice does no harm. */
  #mayGoTo(instance: Instance, surelyNotRun: boolean = true): boolean {
    return (surelyNotRun && !this.#mayHaveRun) || this.#idempotentAt(instance)
  }

  #idempotentAt(instance: Instance): boolean {
    return this.#request.idempotent || instance.declaresIdempotent(this.#request.method)
  }

  #endAttempt(result: string, instanceFailed: boolean, handlerMicros: number | undefined): void {
    const instance = this.#instance
    if (instance === undefined) return
    this.#instance = undefined
    this.#request.target.governance.onEnd(instance, instanceFailed ? performance.now() : undefined)
    this.#recorder?.attemptEnded(result, handlerMicros)
    if (result !== 'ok') this.#tried = [...this.#tried, instance]
  }

  /**
   * Half of the attempt's share of the time has passed: the instance is asked for a sign of life. At the end of the
   * share without one, other calls avoid it, and this one goes elsewhere if it may.
   */
  #lookAfterInstance(nowMs: number): void {
    const instance = this.#instance
    if (instance === undefined) {
      this.#wakeAt(this.#request.deadlineMs)
      return
    }
    if (this.#showsLife()) {
      this.#silentSinceMs = nowMs
      this.#probed = false
    } else if (!this.#probed) {
      instance.channel.probe()
      this.#probed = true
    } else if (this.#giveUpOn(instance, nowMs)) return
    this.#wakeAt(nowMs + this.#patienceMs / 2)
  }

  #showsLife(): boolean {
    return this.#connection !== undefined && this.#connection.lastReceivedMs > this.#silentSinceMs
  }

  #giveUpOn(instance: Instance, nowMs: number): boolean {
    instance.health.failed(nowMs)
    const written = this.#connection !== undefined
    if (!this.#mayRetry(!written)) return false
    this.#withdraw('silent')
    const silentMs = Math.round(nowMs - this.#silentSinceMs)
    const error = rpcError(
      'RPC_INSTANCE_SILENT',
      `${this.#name()}: ${instance.channel.name} gave no sign of life for ${silentMs} ms`,
      { outcome: written ? 'unknown' : 'not-executed' },
    )
    this.#attemptFailed(error, !written, true)
    return true
  }

  #timeOut(): void {
    const instance = this.#instance
    const written = this.#connection !== undefined
    if (written) this.#mayHaveRun = true
    this.#withdraw('deadline')
    if (instance) this.#endAttempt('RPC_DEADLINE_EXCEEDED', !this.#showsLife(), undefined)
    const where = instance ? ` by ${instance.channel.name} in attempt ${this.attempt}` : ''
    const error = rpcError(
      'RPC_DEADLINE_EXCEEDED',
      `${this.#name()} was not answered${where} before its deadline`,
      {
        outcome: this.#mayHaveRun ? 'unknown' : 'not-executed',
      },
    )
    this.#fail(error)
  }

  /** Takes the current attempt back, wherever it is. */
  #withdraw(reason: 'aborted' | 'deadline' | 'silent'): void {
    if (this.#connection !== undefined) this.#connection.cancel(this.#callId, reason)
    else this.#instance?.channel.unqueue(this)
  }

  #fail(reason: unknown): void {
    if (this.#settled) return
    const error = this.#withWholeOutcome(reason)
    this.#settle()
    const [result, outcome] = isFenbuError(error)
      ? [error.code, error.outcome]
      : ['aborted', 'unknown' as const]
    this.#recorder?.ended(result, outcome)
    this.#reject(error)
  }

  /** The last attempt may surely not have run, and an earlier one may have: then nobody knows. */
  #withWholeOutcome(error: unknown): unknown {
    if (!this.#mayHaveRun || !isFenbuError(error) || error.outcome !== 'not-executed') return error
    return new FenbuError(error.code, 'unknown', `${error.message} (an earlier attempt may have run)`, {
      cause: error,
    })
  }

  #settle(): void {
    this.#settled = true
    this.#world.deadlines.remove(this)
    const { target, signal, parent } = this.#request
    if (this.#awaitsList) target.forget(this)
    if (signal !== undefined) unwatchSignal(signal, this)
    parent?.detach(this)
  }

  #followCancellation(): void {
    const { signal, parent } = this.#request
    if (signal?.aborted) {
      this.abort(signal.reason)
      return
    }
    if (signal !== undefined) watchSignal(signal, this)
    parent?.attach(this)
  }

  #wakeAt(atMs: number): void {
    this.#world.deadlines.remove(this)
    this.#world.deadlines.add(this, Math.min(atMs, this.#request.deadlineMs))
  }

  #name(): string {
    return `${this.#request.target.service}.${this.#request.method}`
  }
}
