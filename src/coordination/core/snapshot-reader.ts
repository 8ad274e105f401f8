import { isFenbuError } from '../../base/index.ts'
import { ByteReader } from '../../bytes/index.ts'
import type { SnapshotLoader } from '../../consensus/index.ts'
import type { AclList } from './acl-table.ts'
import { coordinationError } from './errors.ts'
import { Node } from './node.ts'
import { isValidPath, RESERVED_PATHS } from './path.ts'
import { SessionState } from './session.ts'
import { RECORD, SNAPSHOT_MAGIC, SNAPSHOT_VERSION } from './snapshot-format.ts'
import { CoordinationState } from './state.ts'
import { aclList } from './wire/acl.ts'
import { PASSWORD_BYTES } from './wire/handshake.ts'
import { ustring } from './wire/jute.ts'

/**
 * Builds a state from the chunks of a `SnapshotWriter`, and hands it over when it is complete and its digest is
 * that of the state that was written.
 */
export class SnapshotReader implements SnapshotLoader {
  readonly #state: CoordinationState = new CoordinationState()
  readonly #acls: AclList[] = []
  /** Nodes that came before their parents. */
  readonly #orphans: Node[] = []
  readonly #loaded: (state: CoordinationState) => void
  #phase: 'start' | 'records' | 'end' | 'finished' = 'start'

  constructor(loaded: (state: CoordinationState) => void) {
    this.#loaded = loaded
  }

  add(chunk: Uint8Array): void {
    const reader = new ByteReader(chunk)
    try {
      while (reader.remaining > 0) this.#record(reader)
    } catch (error) {
      if (!isFenbuError(error) || !error.code.startsWith('BYTES_')) throw error
      throw coordinationError('COORDINATION_SNAPSHOT_INVALID', 'a record of the snapshot is malformed', {
        cause: error,
      })
    }
  }

  finish(): void {
    if (this.#phase !== 'end') throw invalid(`the snapshot has no end: it stops in phase "${this.#phase}"`)
    this.#phase = 'finished'
    this.#loaded(this.#state)
  }

  #record(reader: ByteReader): void {
    const type = reader.uint8()
    if (this.#phase !== (type === RECORD.HEADER ? 'start' : 'records'))
      throw invalid(`record of type ${type} in phase "${this.#phase}"`)
    if (type === RECORD.NODE) this.#node(reader)
    else if (type === RECORD.SESSION) this.#session(reader)
    else if (type === RECORD.ACL) this.#acls.push(this.#state.tree.acls.intern(aclList.read(reader)))
    else if (type === RECORD.HEADER) this.#header(reader)
    else if (type === RECORD.END) this.#end(reader)
    else throw invalid(`no record has type ${type}`)
  }

  #header(reader: ByteReader): void {
    if (reader.uint32() !== SNAPSHOT_MAGIC) throw invalid('the bytes are no coordination snapshot')
    const version = reader.uint8()
    if (version !== SNAPSHOT_VERSION)
      throw invalid(`the snapshot has version ${version}; this code reads version ${SNAPSHOT_VERSION}`)
    this.#state.zxid = { epoch: reader.uint32(), counter: reader.uint32() }
    this.#phase = 'records'
  }

  #session(reader: ByteReader): void {
    const high = reader.uint32()
    const low = reader.uint32()
    const password = reader.bytes(PASSWORD_BYTES).slice()
    const timeoutMs = reader.int32()
    const generation = reader.counter()
    const nextNumber = reader.counter()
    const session = new SessionState(high, low, password, timeoutMs, reader.counter(), reader.counter())
    session.generation = generation
    session.nextNumber = nextNumber
    if (this.#state.sessions.get(high, low) !== undefined)
      throw invalid(`session ${session.id} is there twice`)
    this.#state.sessions.add(session)
  }

  #node(reader: ByteReader): void {
    const { tree } = this.#state
    const path = ustring.read(reader)
    if (!isValidPath(path) || tree.get(path) !== undefined)
      throw invalid(`node ${path} is invalid or there twice`)
    const acl = this.#acls[reader.uint32()]
    if (acl === undefined) throw invalid(`node ${path} has an ACL that did not come before it`)
    const creates = reader.int32()
    const image = reader.bytes(reader.int32()).slice()
    const node = Node.fromImage(path, image, acl, (high, low) => this.#state.sessions.get(high, low))
    if (node === undefined) throw invalid(`node ${path} has an image that contradicts itself`)
    node.creates = creates
    tree.insert(node)
    if (path !== '/' && !this.#link(node)) this.#orphans.push(node)
  }

  #end(reader: ByteReader): void {
    const { tree, sessions } = this.#state
    for (const node of this.#orphans)
      if (!this.#link(node)) throw invalid(`the parent of node ${node.path} is missing`)
    for (const path of RESERVED_PATHS)
      if (tree.get(path) === undefined) throw invalid(`the reserved node ${path} is missing`)
    const expected = { nodes: reader.counter(), sessions: reader.counter(), digest: reader.uint32() }
    const actual = { nodes: tree.size, sessions: sessions.size, digest: this.#state.digest() }
    for (const name of ['nodes', 'sessions', 'digest'] as const)
      if (expected[name] !== actual[name])
        throw invalid(`the snapshot says ${name} ${expected[name]}, its records give ${actual[name]}`)
    this.#phase = 'end'
  }

  #link(node: Node): boolean {
    const slash = node.path.lastIndexOf('/')
    const parent = this.#state.tree.get(node.path.slice(0, slash))
    parent?.linkChild(node.path.slice(slash + 1))
    return parent !== undefined
  }
}

function invalid(message: string): Error {
  return coordinationError('COORDINATION_SNAPSHOT_INVALID', message)
}
