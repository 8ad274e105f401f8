import type { CoordinationClient } from '../../engines/index.ts'
import type { IgnoredReason } from '../core/index.ts'
import type { ResolvedRegistryOptions } from '../options.ts'
import { noneIgnored } from '../status.ts'

/** What registrations and subscriptions of one registry share. */
export class RegistryContext {
  readonly client: CoordinationClient
  readonly options: ResolvedRegistryOptions
  readonly url: string
  readonly ignored: Record<IgnoredReason, number> = noneIgnored()
  readonly #problems = new Map<object, Error>()

  constructor(client: CoordinationClient, url: string, options: ResolvedRegistryOptions) {
    this.client = client
    this.url = url
    this.options = options
  }

  /** The last problem that is not over. */
  get problem(): string | undefined {
    return [...this.#problems.values()].at(-1)?.message
  }

  /** What goes wrong with the work of `owner`. */
  problemOf(owner: object): Error | undefined {
    return this.#problems.get(owner)
  }

  /** Something goes wrong with the work of `owner`, and is tried again. */
  report(owner: object, error: unknown): void {
    this.#problems.delete(owner)
    this.#problems.set(owner, error instanceof Error ? error : new Error(String(error)))
  }

  recovered(owner: object): void {
    this.#problems.delete(owner)
  }
}
