import { ByteReader, ByteWriter } from '../../src/bytes/index.ts'
import type { Entry } from '../../src/consensus/index.ts'
import {
  beginReply,
  CommandBatch,
  CoordinationMachine,
  type CoordinationOutput,
  ERROR_CODE,
  type EventType,
  endReply,
  type JuteType,
  type Operation,
  operationByCode,
  operations,
  type ReadContext,
  type Session,
  Watches,
  writeEventFrame,
} from '../../src/coordination/core/index.ts'

/** One connection of a `MemoryCoordinator`, with the packets it was sent. */
export interface MemoryConnection {
  readonly name: string
  session: Session
  generation: number
  nextNumber: number
  /** Without their length fields; taken out by the test. */
  readonly packets: Uint8Array[]
  open: boolean
}

/**
 * The smallest server there can be: every request is applied at once, nothing waits. It puts machine, watches and
 * wire records together as a server must, so tests see the packets that a client would.
 */
export class MemoryCoordinator {
  readonly machine: CoordinationMachine = new CoordinationMachine()
  readonly connections: MemoryConnection[] = []
  /** Everything the machine told, as text. */
  readonly told: string[] = []
  /** Data of every entry applied. */
  readonly entries: Entry[] = []
  readonly watches: Watches<MemoryConnection> = new Watches<MemoryConnection>({
    fired: (type, path, watchers) => {
      for (const watcher of watchers) notify(watcher, type, path)
    },
  })
  readonly batch: CommandBatch = new CommandBatch()
  epoch = 0
  wallMs = 1_700_000_000_000
  leaseMs = 0
  #pending: { connection: MemoryConnection; xid: number } | undefined
  #opening: MemoryConnection | undefined
  #tickets = 0

  /** Opens a session; ids count up from 1, the password is the id in each byte. */
  connect(name: string, timeoutMs = 4_000): MemoryConnection {
    const ticket = ++this.#tickets
    this.batch.connect({ sessionId: BigInt(ticket), password: passwordOf(ticket), timeoutMs, ticket })
    return this.#opened(name)
  }

  /** Another connection for a session; undefined if it is refused. */
  resume(
    name: string,
    sessionId: bigint,
    password: Uint8Array,
    timeoutMs = 4_000,
  ): MemoryConnection | undefined {
    this.batch.resume({ sessionId, password, timeoutMs, ticket: ++this.#tickets })
    const connection = this.#opened(name)
    return connection.session === undefined ? undefined : connection
  }

  /** Sends a request and handles it to its end; the reply and all events are in `packets` afterwards. */
  request<Request>(
    connection: MemoryConnection,
    xid: number,
    operation: Operation<Request, unknown>,
    request: Request,
  ): void {
    this.send(connection, xid, operation.code, encoded(operation.request, request))
  }

  send(connection: MemoryConnection, xid: number, code: number, body: Uint8Array): void {
    const kind = operationByCode(code)?.kind
    if (kind === 'write' || kind === 'close') this.#write(connection, xid, code, body)
    else if (kind === 'read' || kind === 'watch') this.#read(connection, xid, code, body)
    else if (kind === 'sync') this.#reply(connection, xid, ERROR_CODE.OK, body)
    else if (kind === 'ping') this.#reply(connection, xid, ERROR_CODE.OK, new Uint8Array(0))
    else this.#reply(connection, xid, ERROR_CODE.UNIMPLEMENTED, new Uint8Array(0))
  }

  /** Applies what is in the batch as one entry. */
  flush(): void {
    this.apply(this.batch.take())
  }

  apply(data: Uint8Array): void {
    const entry = {
      index: this.entries.length + 1,
      epoch: this.epoch,
      wallMs: this.wallMs,
      leaseMs: this.leaseMs,
      data,
    } as Entry
    this.entries.push(entry)
    this.machine.apply(entry, this.#output)
  }

  #opened(name: string): MemoryConnection {
    const connection = {
      name,
      generation: 0,
      nextNumber: 1,
      packets: [],
      open: true,
    } as unknown as MemoryConnection
    this.#opening = connection
    this.flush()
    this.#opening = undefined
    if (connection.session !== undefined) this.connections.push(connection)
    return connection
  }

  #write(connection: MemoryConnection, xid: number, code: number, body: Uint8Array): void {
    this.#pending = { connection, xid }
    if (code === operations.closeSession.code)
      this.batch.close(connection.session, connection.generation, connection.nextNumber)
    else this.batch.operation(connection.session, connection.generation, connection.nextNumber, code, body)
    connection.nextNumber += 1
    this.flush()
    this.#pending = undefined
  }

  #read(connection: MemoryConnection, xid: number, code: number, body: Uint8Array): void {
    const writer = new ByteWriter()
    this.machine.answer(xid, code, new ByteReader(body), this.#contextOf(connection), writer)
    connection.packets.push(writer.copyAndReset().subarray(4))
  }

  #contextOf(connection: MemoryConnection): ReadContext {
    return {
      session: connection.session,
      watchData: (path) => this.watches.watchData(path, connection),
      watchChildren: (path) => this.watches.watchChildren(path, connection),
      notify: (type, path) => notify(connection, type, path),
    }
  }

  #reply(connection: MemoryConnection, xid: number, error: number, body: Uint8Array): void {
    const writer = new ByteWriter()
    const at = beginReply(writer, xid, this.machine.zxid)
    writer.bytes(body)
    endReply(writer, at, error)
    connection.packets.push(writer.copyAndReset().subarray(4))
  }

  readonly #output: CoordinationOutput = {
    changed: (change) => {
      const { type, path, zxid } = change
      this.told.push(`changed ${type} ${path} zxid ${zxid.epoch}.${zxid.counter}`)
      this.watches.changed(change)
    },
    replied: (session, generation, number, zxid, error, body) => {
      this.told.push(
        `replied ${session.id} ${generation}/${number} zxid ${zxid.epoch}.${zxid.counter} error ${error}`,
      )
      if (this.#pending) this.#reply(this.#pending.connection, this.#pending.xid, error, body)
    },
    refused: (id, generation, number, reason) => {
      this.told.push(`refused ${id} ${generation}/${number} ${reason}`)
    },
    sessionOpened: (session, ticket, zxid) => {
      this.told.push(`opened ${session.id} ticket ${ticket} zxid ${zxid.epoch}.${zxid.counter}`)
      this.#attach(session)
    },
    sessionResumed: (session, ticket) => {
      this.told.push(`resumed ${session.id} generation ${session.generation} ticket ${ticket}`)
      for (const each of this.connections) if (each.session === session) this.disconnect(each)
      this.#attach(session)
    },
    sessionRefused: (id, ticket, reason) => {
      this.told.push(`session-refused ${id} ticket ${ticket} ${reason}`)
    },
    sessionClosed: (session, reason, zxid) => {
      this.told.push(`closed ${session.id} ${reason} zxid ${zxid.epoch}.${zxid.counter}`)
      for (const each of this.connections) if (each.session === session) this.disconnect(each)
    },
    ignored: (reason) => {
      this.told.push(`ignored ${reason}`)
    },
  }

  /** The connection ends; its session does not. */
  disconnect(connection: MemoryConnection): void {
    connection.open = false
    this.watches.remove(connection)
  }

  #attach(session: Session): void {
    if (this.#opening === undefined) return
    this.#opening.session = session
    this.#opening.generation = session.generation
  }
}

export function passwordOf(id: number): Uint8Array {
  return new Uint8Array(16).fill(id)
}

export function encoded<Value>(type: JuteType<Value>, value: Value): Uint8Array {
  const writer = new ByteWriter()
  type.write(writer, value)
  return writer.copyAndReset()
}

export function decoded<Value>(type: JuteType<Value>, bytes: Uint8Array): Value {
  const reader = new ByteReader(bytes)
  const value = type.read(reader)
  reader.finish()
  return value
}

function notify(connection: MemoryConnection, type: EventType, path: string): void {
  const writer = new ByteWriter()
  writeEventFrame(writer, type, path)
  connection.packets.push(writer.copyAndReset().subarray(4))
}
