/**
 * Waits at most `timeoutMs`: `wait` gets a signal that aborts then, and when `signal` does. Fails with what `late`
 * makes, with the signal's reason, or with what `wait` fails with.
 */
export async function withinTime<Value>(
  { signal, timeoutMs }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number },
  wait: (signal: AbortSignal) => Promise<Value>,
  late: (cause: unknown) => Error,
): Promise<Value> {
  const limit = new AbortController()
  const timeout = new Error(`nothing came within ${timeoutMs} ms`)
  const onAbort = (): void => limit.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort)
  const timer = setTimeout(() => limit.abort(timeout), timeoutMs)
  try {
    return await wait(limit.signal)
  } catch (cause) {
    if (cause === timeout) throw late(cause)
    throw cause
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
