import { ByteWriter } from '../../bytes/index.ts'
import type { SnapshotCursor } from '../../consensus/index.ts'
import type { AclList } from './acl-table.ts'
import type { FrozenState } from './freeze.ts'
import type { Node } from './node.ts'
import type { SessionState } from './session.ts'
import { RECORD, SNAPSHOT_MAGIC, SNAPSHOT_VERSION } from './snapshot-format.ts'
import type { CoordinationState } from './state.ts'
import { aclList } from './wire/acl.ts'
import { ustring } from './wire/jute.ts'

/**
 * Writes the state as it was when this object was made, a chunk at a time, while the state goes on changing: what
 * is about to change and not yet written is handed in and written first.
 */
export class SnapshotWriter implements SnapshotCursor, FrozenState {
  readonly #state: CoordinationState
  readonly #generation: number
  readonly #sessions: Iterator<SessionState>
  readonly #nodes: Iterator<Node>
  readonly #acls = new Map<AclList, number>()
  readonly #pending = new ByteWriter(4096)
  /** Of the frozen state: by the time the end is written the present one has moved on. */
  readonly #counts: { readonly nodes: number; readonly sessions: number; readonly digest: number }
  #phase: 'sessions' | 'nodes' | 'done' = 'sessions'

  constructor(state: CoordinationState) {
    this.#state = state
    state.freeze.begin(this)
    this.#generation = state.freeze.generation
    this.#sessions = state.sessions.all()
    this.#nodes = state.tree.nodes()
    this.#counts = { nodes: state.tree.size, sessions: state.sessions.size, digest: state.digest() }
    this.#writeHeader()
  }

  next(bytes: number): Uint8Array | undefined {
    while (this.#pending.length < bytes && this.#phase !== 'done') this.#advance()
    return this.#pending.length === 0 ? undefined : this.#pending.copyAndReset()
  }

  close(): void {
    this.#phase = 'done'
    this.#pending.reset()
    this.#state.freeze.end(this)
  }

  saveNode(node: Node): void {
    if (node.frozen === this.#generation) return
    node.frozen = this.#generation
    if (node.owner !== undefined) this.saveSession(node.owner)
    const acl = this.#aclNumber(node.acl)
    const writer = this.#pending
    writer.uint8(RECORD.NODE)
    ustring.write(writer, node.path)
    writer.uint32(acl)
    writer.int32(node.creates)
    writer.int32(node.image.length)
    writer.bytes(node.image)
  }

  saveSession(session: SessionState): void {
    if (session.frozen === this.#generation) return
    session.frozen = this.#generation
    const writer = this.#pending
    writer.uint8(RECORD.SESSION)
    writer.uint32(session.idHigh)
    writer.uint32(session.idLow)
    writer.bytes(session.password)
    writer.int32(session.timeoutMs)
    writer.counter(session.generation)
    writer.counter(session.nextNumber)
    writer.counter(session.lastIndex)
    writer.counter(session.lastLeaseMs)
  }

  #advance(): void {
    if (this.#phase === 'sessions') {
      const { done, value } = this.#sessions.next()
      if (done) this.#phase = 'nodes'
      else this.saveSession(value)
    } else {
      const { done, value } = this.#nodes.next()
      if (done) this.#writeEnd()
      else this.saveNode(value)
    }
  }

  #aclNumber(acl: AclList): number {
    const known = this.#acls.get(acl)
    if (known !== undefined) return known
    const number = this.#acls.size
    this.#acls.set(acl, number)
    this.#pending.uint8(RECORD.ACL)
    aclList.write(this.#pending, acl.entries)
    return number
  }

  #writeHeader(): void {
    const writer = this.#pending
    writer.uint8(RECORD.HEADER)
    writer.uint32(SNAPSHOT_MAGIC)
    writer.uint8(SNAPSHOT_VERSION)
    writer.uint32(this.#state.zxid.epoch)
    writer.uint32(this.#state.zxid.counter)
  }

  #writeEnd(): void {
    this.#phase = 'done'
    this.#state.freeze.end(this)
    const writer = this.#pending
    writer.uint8(RECORD.END)
    writer.counter(this.#counts.nodes)
    writer.counter(this.#counts.sessions)
    writer.uint32(this.#counts.digest)
  }
}
