/** Jobs with the same key run one after the other, so that this process never competes with itself. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  take<Value>(key: string, job: () => Promise<Value>): Promise<Value> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(job)
    const done = result.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(key, done)
    return result.finally(() => {
      if (this.#last.get(key) === done) this.#last.delete(key)
    })
  }
}
