import type { DependentCall } from '../call-context.ts'

interface Watched {
  readonly calls: Set<DependentCall>
  readonly listener: () => void
}

const watched = new WeakMap<AbortSignal, Watched>()

/** Ends the call when the signal aborts. One listener serves all calls of a signal: Node warns of more than ten. */
export function watchSignal(signal: AbortSignal, call: DependentCall): void {
  const known = watched.get(signal)
  if (known !== undefined) {
    known.calls.add(call)
    return
  }
  const calls = new Set([call])
  const listener = (): void => {
    watched.delete(signal)
    for (const each of calls) each.abort(signal.reason)
  }
  watched.set(signal, { calls, listener })
  signal.addEventListener('abort', listener, { once: true })
}

/** The call has ended; the last one takes the listener along. */
export function unwatchSignal(signal: AbortSignal, call: DependentCall): void {
  const known = watched.get(signal)
  if (known === undefined) return
  known.calls.delete(call)
  if (known.calls.size > 0) return
  watched.delete(signal)
  signal.removeEventListener('abort', known.listener)
}
