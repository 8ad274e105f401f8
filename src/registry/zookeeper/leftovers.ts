import { randomBytes } from 'node:crypto'
import { retryDelayMs } from '../core/index.ts'
import { Repeater } from '../repeater.ts'
import type { RegistryContext } from './registry-context.ts'
import { unlessMissing } from './tree-errors.ts'

/** Nothing is left: the next `add` kicks. */
const NEVER_MS = 2 ** 31 - 1

/**
 * Nodes of registrations that ended while the registry did not answer. They go with the session, but the session may
 * go on for as long as the process: so they are removed as soon as the registry answers again.
 */
export class Leftovers {
  readonly #context: RegistryContext
  readonly #paths = new Set<string>()
  readonly #repeater: Repeater
  #attempt = 0

  constructor(context: RegistryContext) {
    this.#context = context
    this.#repeater = new Repeater(() => this.#sweep())
  }

  add(path: string): void {
    this.#paths.add(path)
    this.#repeater.kick()
  }

  /** What is left then ends with the session. */
  async close(): Promise<void> {
    this.#context.recovered(this)
    await this.#repeater.stop()
  }

  async #sweep(): Promise<number> {
    try {
      for (const path of [...this.#paths]) {
        await unlessMissing(this.#context.client.delete(path))
        this.#paths.delete(path)
      }
      this.#attempt = 0
      this.#context.recovered(this)
      return NEVER_MS
    } catch (error) {
      this.#context.report(this, error)
      return retryDelayMs(this.#attempt++, randomBytes(4).readUInt32BE())
    }
  }
}
