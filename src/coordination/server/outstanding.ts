import type { ResolvedServerOptions } from './options.ts'

/** A connection that can be kept from sending more. */
export interface Stallable {
  readOn(): void
}

/**
 * The requests that wait, of all connections. Above the bound whoever sends one more is not read until half of
 * them are answered.
 */
export class Outstanding {
  readonly #options: ResolvedServerOptions
  readonly #stalled = new Set<Stallable>()
  #count = 0
  #bytes = 0

  constructor(options: ResolvedServerOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  add(bytes: number): void {
    this.#count++
    this.#bytes += bytes
  }

  remove(count: number, bytes: number): void {
    this.#count -= count
    this.#bytes -= bytes
    if (this.#stalled.size > 0 && this.#below(0.5)) this.#release()
  }

  /** True if the connection must stop reading; `readOn` is called when it may go on. */
  stalls(connection: Stallable): boolean {
    if (this.#below(1)) return false
    this.#stalled.add(connection)
    return true
  }

  forget(connection: Stallable): void {
    this.#stalled.delete(connection)
  }

  #below(share: number): boolean {
    const { maxOutstanding, maxOutstandingBytes } = this.#options
    return this.#count < maxOutstanding * share && this.#bytes < maxOutstandingBytes * share
  }

  #release(): void {
    const stalled = [...this.#stalled]
    this.#stalled.clear()
    for (const connection of stalled) connection.readOn()
  }
}
