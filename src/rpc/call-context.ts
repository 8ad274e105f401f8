import { AsyncLocalStorage } from 'node:async_hooks'
import { type Metadata, rpcError } from './core/index.ts'

/** The call that is being handled, as its handler sees it. */
export interface CurrentCall {
  readonly service: string
  readonly method: string
  readonly group: string
  /** Version of the service that answers. */
  readonly version: string
  /** 1 for the first attempt of the caller, 2 for its first retry. */
  readonly attempt: number
  /** The caller declared that running the method twice does no harm. */
  readonly idempotent: boolean
  readonly metadata: Metadata
  /** What the caller named this piece of work, to recognise it when it comes again; not checked by anybody. */
  readonly idempotencyKey: string | undefined
  /** Whom the connection is authenticated as; undefined where nobody asked. */
  readonly principal: string | undefined
  /** Address of the caller, `host:port`. */
  readonly peer: string
  /** Aborts when the caller gives up, its connection is lost, or the deadline passes. */
  readonly signal: AbortSignal
  /** When the caller stops waiting, on the clock of `performance.now()`, ms. */
  readonly deadline: number
  /** Time left until the deadline, ms, not below 0. */
  remainingMs(): number
}

/** A call that is made on behalf of another ends with it. */
export interface DependentCall {
  abort(reason: unknown): void
}

/** The side of a handled call that calls made by its handler hold on to. */
export interface AmbientCall extends CurrentCall {
  /** The handler has returned: what it left running is on its own. */
  readonly ended: boolean
  attach(call: DependentCall): void
  detach(call: DependentCall): void
}

const storage = new AsyncLocalStorage<AmbientCall>()

/**
 * The call that the running code handles, also after `await`. Calls made meanwhile inherit its deadline,
 * cancellation and trace context. Throws `RPC_NO_CURRENT_CALL` outside a handler.
 */
export function currentCall(): CurrentCall {
  const call = storage.getStore()
  if (call === undefined) throw rpcError('RPC_NO_CURRENT_CALL', 'currentCall() outside a remote method')
  return call
}

export function ambientCall(): AmbientCall | undefined {
  return storage.getStore()
}

/** Runs `action` as if no call were being handled: for what is made on the way and outlives the call. */
export function outsideCalls<Result>(action: () => Result): Result {
  return storage.exit(action)
}

/** Runs `action(call)`, and what it awaits, with `call` as the current one. */
export function runInCall<Call extends AmbientCall, Result>(
  call: Call,
  action: (call: Call) => Result,
): Result {
  return storage.run(call, action, call)
}
