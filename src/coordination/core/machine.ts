import { assert, isFenbuError } from '../../base/index.ts'
import type { ByteReader, ByteWriter } from '../../bytes/index.ts'
import type { Entry, ReplicatedStateMachine, SnapshotCursor, SnapshotLoader } from '../../consensus/index.ts'
import { EntryApplier } from './entry-applier.ts'
import { operationByCode } from './operations/by-code.ts'
import type { ReadContext } from './operations/operation.ts'
import type { CoordinationOutput } from './output.ts'
import type { Session } from './session.ts'
import { SnapshotReader } from './snapshot-reader.ts'
import { SnapshotWriter } from './snapshot-writer.ts'
import { CoordinationState } from './state.ts'
import type { Tree } from './tree.ts'
import { ERROR_CODE, type ErrorCode } from './wire/error-code.ts'
import { beginReply, endReply } from './wire/headers.ts'
import type { Zxid } from './zxid.ts'

const CLONE_CHUNK_BYTES = 1024 * 1024

/**
 * The coordinator's replicated state: the tree, the sessions and the last zxid, as a function of the entries
 * applied. Entries are built with `CommandBatch`. Reads are answered from it directly, outside of the log.
 */
export class CoordinationMachine implements ReplicatedStateMachine<CoordinationOutput> {
  readonly level = 1
  readonly #applier: EntryApplier = new EntryApplier()
  #state: CoordinationState = new CoordinationState()

  constructor() {
    this.#state.tree.plant()
  }

  apply(entry: Entry, out: CoordinationOutput): void {
    this.#applier.apply(entry, this.#state, out)
  }

  /**
   * Serves an operation of kind `read` or `watch`: decodes the request after its header from `request` and writes
   * the reply's body. With an error other than OK, drop what was written. A malformed request is `MARSHALLING`.
   */
  read(code: number, request: ByteReader, context: ReadContext, reply: ByteWriter): ErrorCode {
    const operation = operationByCode(code)
    if (operation?.kind !== 'read' && operation?.kind !== 'watch') return ERROR_CODE.UNIMPLEMENTED
    let decoded: unknown
    try {
      decoded = operation.request.read(request)
    } catch (error) {
      if (isFenbuError(error) && error.code.startsWith('BYTES_')) return ERROR_CODE.MARSHALLING
      throw error
    }
    return operation.read(decoded, this.#state.tree, context, reply)
  }

  /** `read` as a whole reply frame, length and header included. Events of a `watch` must not go into `writer`. */
  answer(
    xid: number,
    code: number,
    request: ByteReader,
    context: ReadContext,
    writer: ByteWriter,
  ): ErrorCode {
    const at = beginReply(writer, xid, this.#state.zxid)
    const error = this.read(code, request, context, writer)
    endReply(writer, at, error)
    return error
  }

  /** Of the last write applied: what the reply of a read or a ping carries. */
  get zxid(): Zxid {
    return this.#state.zxid
  }

  get tree(): Tree {
    return this.#state.tree
  }

  session(id: bigint): Session | undefined {
    return this.#state.sessions.find(id)
  }

  sessions(): Iterable<Session> {
    return this.#state.sessions.all()
  }

  get sessionCount(): number {
    return this.#state.sessions.size
  }

  snapshot(): SnapshotCursor {
    assert(!this.#state.freeze.active, 'one snapshot at a time')
    return new SnapshotWriter(this.#state)
  }

  restore(): SnapshotLoader {
    return new SnapshotReader((state) => {
      this.#state = state
    })
  }

  digest(): number {
    return this.#state.digest()
  }

  /** Tells states apart that an explorer has visited: more bits than the digest, for the same price. */
  fingerprint(): string {
    const { tree, sessions, zxid } = this.#state
    return [tree.digest, tree.size, sessions.digest, sessions.size, zxid.epoch, zxid.counter].join('.')
  }

  /** A machine in the same state that goes on by itself. Not while a snapshot is under way. */
  clone(): CoordinationMachine {
    const copy = new CoordinationMachine()
    const loader = copy.restore()
    const cursor = this.snapshot()
    for (
      let chunk = cursor.next(CLONE_CHUNK_BYTES);
      chunk !== undefined;
      chunk = cursor.next(CLONE_CHUNK_BYTES)
    )
      loader.add(chunk)
    loader.finish()
    return copy
  }
}
