import { Freeze } from './freeze.ts'
import { mix } from './hash.ts'
import { SessionTable } from './session-table.ts'
import { Tree } from './tree.ts'
import { ZXID_ZERO, type Zxid } from './zxid.ts'

/** Everything that is replicated. */
export class CoordinationState {
  readonly freeze: Freeze = new Freeze()
  readonly tree: Tree = new Tree(this.freeze)
  readonly sessions: SessionTable = new SessionTable(this.freeze)
  /** The last one given out. */
  zxid: Zxid = ZXID_ZERO

  /** Equal states, equal digests: kept up to date with every change, so reading it costs nothing. */
  digest(): number {
    const contents = mix(this.tree.digest, this.sessions.digest)
    return mix(mix(contents, this.zxid.epoch), this.zxid.counter)
  }
}
