import type { Node } from './node.ts'
import type { SessionState } from './session.ts'

/** A snapshot under way: what it has not yet written is handed to it before it changes. */
export interface FrozenState {
  saveNode(node: Node): void
  saveSession(session: SessionState): void
}

/**
 * Copy on write by generation. A snapshot raises the generation; a record whose `frozen` equals it is in the
 * snapshot already or came after it, one whose `frozen` is lower must be saved before it changes.
 */
export class Freeze {
  generation = 0
  #state: FrozenState | undefined

  begin(state: FrozenState): void {
    this.generation += 1
    this.#state = state
  }

  /** Does nothing if `state` has ended already. */
  end(state: FrozenState): void {
    if (this.#state === state) this.#state = undefined
  }

  get active(): boolean {
    return this.#state !== undefined
  }

  beforeNodeChanges(node: Node): void {
    if (this.#state !== undefined && node.frozen !== this.generation) this.#state.saveNode(node)
  }

  beforeSessionChanges(session: SessionState): void {
    if (this.#state !== undefined && session.frozen !== this.generation) this.#state.saveSession(session)
  }
}
