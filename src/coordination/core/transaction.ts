import type { Transaction } from './operations/operation.ts'
import type { CoordinationOutput } from './output.ts'
import type { SessionState } from './session.ts'
import type { Tree } from './tree.ts'
import type { ChangeType } from './wire/watch-event.ts'
import type { Zxid } from './zxid.ts'

/** The transaction of one operation; what it changes is told once it has succeeded. */
export class OperationTransaction implements Transaction {
  readonly tree: Tree
  readonly session: SessionState
  readonly zxid: Zxid
  readonly wallMs: number
  readonly #changes: { readonly type: ChangeType; readonly path: string }[] = []

  constructor(tree: Tree, session: SessionState, zxid: Zxid, wallMs: number) {
    this.tree = tree
    this.session = session
    this.zxid = zxid
    this.wallMs = wallMs
  }

  changed(type: ChangeType, path: string): void {
    this.#changes.push({ type, path })
  }

  begin(): void {
    this.tree.begin()
  }

  commit(): void {
    this.tree.commit()
  }

  rollback(): void {
    this.tree.rollback()
    this.#changes.length = 0
  }

  tell(out: CoordinationOutput): void {
    for (const { type, path } of this.#changes) out.changed(type, path, this.zxid)
  }
}
