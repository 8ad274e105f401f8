/** A promise that someone settles later, unless its signal aborts first; then it rejects with the signal's reason. */
export class Waiter<Value> {
  readonly promise: Promise<Value>
  #resolve: (value: Value) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  readonly #settled: () => void

  /** `settled` is called once, however it ends. */
  constructor(signal: AbortSignal | undefined, settled: (waiter: Waiter<Value>) => void) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const onAbort = (): void => this.reject(signal?.reason)
    this.#settled = () => {
      signal?.removeEventListener('abort', onAbort)
      settled(this)
    }
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
  }

  resolve(value: Value): void {
    this.#settled()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#settled()
    this.#reject(error)
  }
}
