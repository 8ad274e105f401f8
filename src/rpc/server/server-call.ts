import { setMaxListeners } from 'node:events'
import { type AmbientCall, type DependentCall, runInCall } from '../call-context.ts'
import { Deadline, IDEMPOTENCY_KEY, type Metadata, type ProvidedMethod } from '../core/index.ts'

/** What a call's deadline is reported to. */
export interface CallOwner {
  expire(call: ServerCall): void
}

/** One call while the server handles it; the handler sees it as `currentCall()`. */
export class ServerCall extends Deadline implements AmbientCall {
  readonly callId: number
  readonly attempt: number
  readonly idempotent: boolean
  readonly metadata: Metadata
  readonly principal: string | undefined
  readonly peer: string
  readonly deadline: number
  readonly args: readonly unknown[]
  readonly provided: ProvidedMethod
  readonly owner: CallOwner
  /** When its bytes arrived, monotonic ms. */
  readonly arrivedMs: number
  ended = false
  #abortReason: unknown
  #aborted = false
  #controller: AbortController | undefined
  #dependents: Set<DependentCall> | undefined

  constructor(
    callId: number,
    provided: ProvidedMethod,
    args: readonly unknown[],
    idempotent: boolean,
    attempt: number,
    metadata: Metadata,
    arrivedMs: number,
    timeoutMs: number,
    peer: string,
    principal: string | undefined,
    owner: CallOwner,
  ) {
    super()
    this.callId = callId
    this.provided = provided
    this.args = args
    this.idempotent = idempotent
    this.attempt = attempt
    this.metadata = metadata
    this.arrivedMs = arrivedMs
    this.deadline = arrivedMs + timeoutMs
    this.peer = peer
    this.principal = principal
    this.owner = owner
  }

  get service(): string {
    return this.provided.service.service
  }

  get group(): string {
    return this.provided.service.group
  }

  get version(): string {
    return this.provided.service.version
  }

  get method(): string {
    return this.provided.name
  }

  get idempotencyKey(): string | undefined {
    return this.metadata[IDEMPOTENCY_KEY]
  }

  /** Made when a handler asks: most never do, and a signal costs more than the rest of a call. */
  get signal(): AbortSignal {
    this.#controller ??= this.#makeController()
    return this.#controller.signal
  }

  #makeController(): AbortController {
    const controller = new AbortController()
    // It lives as long as the call: a handler may well hand it to more than ten others.
    setMaxListeners(0, controller.signal)
    if (this.#aborted) controller.abort(this.#abortReason)
    return controller
  }

  get aborted(): boolean {
    return this.#aborted
  }

  remainingMs(): number {
    return Math.max(0, this.deadline - performance.now())
  }

  /** Ends what the handler waits for; its result will be dropped. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#abortReason = reason
    const dependents = [...(this.#dependents ?? [])]
    this.#dependents = undefined
    for (const dependent of dependents) dependent.abort(reason)
    this.#controller?.abort(reason)
  }

  attach(call: DependentCall): void {
    if (this.#aborted) {
      call.abort(this.#abortReason)
      return
    }
    this.#dependents ??= new Set()
    this.#dependents.add(call)
  }

  detach(call: DependentCall): void {
    this.#dependents?.delete(call)
  }
}

/** Runs the handler as the current call; its result may be a value or a promise. */
export function runHandler(call: ServerCall): unknown {
  return runInCall(call, invoke)
}

function invoke(call: ServerCall): unknown {
  return call.provided.run(...call.args)
}
