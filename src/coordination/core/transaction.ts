import type { Node } from './node.ts'
import type { Transaction } from './operations/operation.ts'
import type { CoordinationOutput, NodeChange } from './output.ts'
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
  readonly #changes: NodeChange[] = []

  constructor(tree: Tree, session: SessionState, zxid: Zxid, wallMs: number) {
    this.tree = tree
    this.session = session
    this.zxid = zxid
    this.wallMs = wallMs
  }

  changed(type: ChangeType, node: Node, parent?: Node): void {
    this.#changes.push({ type, path: node.path, zxid: this.zxid, acl: node.acl, parentAcl: parent?.acl })
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
    for (const change of this.#changes) out.changed(change)
  }
}
