import type { Random, World } from '../../base/index.ts'
import { ByteWriter } from '../../bytes/index.ts'
import {
  type ConnectRequest,
  CoordinationMachine,
  type CoordinationOutput,
  type EventType,
  type NodeChange,
  PASSWORD_BYTES,
  type Session,
  type SessionRefusal,
  Watches,
  type WriteRefusal,
  writeEventFrame,
  type Zxid,
  zxidAfter,
  zxidFromBigint,
} from '../core/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ServerReport } from './four-letter-words.ts'
import type { LogAccess } from './log-access.ts'
import { type ResolvedServerOptions, SESSION_TICKS } from './options.ts'
import { Outstanding } from './outstanding.ts'
import { Proposer } from './proposer.ts'
import { ServerStatistics } from './server-statistics.ts'
import { SessionExpiry } from './session-expiry.ts'

/**
 * Everything that the connections of one server share: the machine, its watches, the proposals, and which session
 * belongs to which connection. What an applied entry did is handed to the connections that wait for it.
 */
export class Coordinator implements CoordinationOutput {
  readonly machine: CoordinationMachine = new CoordinationMachine()
  readonly watches: Watches<ClientConnection>
  readonly statistics: ServerStatistics = new ServerStatistics()
  readonly options: ResolvedServerOptions
  readonly outstanding: Outstanding
  readonly proposer: Proposer
  /** For whatever is written and copied within one call. */
  readonly scratch: ByteWriter = new ByteWriter(256)
  /** Entries, or parts of them, that this version could not apply, by reason: a newer version wrote them. */
  readonly ignoredEntries: Map<string, number> = new Map()
  readonly #world: World
  readonly #random: Random
  readonly #version: string
  readonly #expiry: SessionExpiry
  readonly #owners = new Map<Session, ClientConnection>()
  readonly #joining = new Map<number, ClientConnection>()
  /** Tickets of other servers and of this one before its restart have other high bits. */
  readonly #ticketBase: number
  #tickets = 0

  constructor(world: World, log: LogAccess, options: ResolvedServerOptions, version: string) {
    this.options = options
    this.outstanding = new Outstanding(options)
    this.proposer = new Proposer(log, world.timers)
    this.watches = new Watches({ fired: (type, path, watchers) => this.#fired(type, path, watchers) })
    this.#world = world
    this.#random = world.random.split('coordination')
    this.#version = version
    this.#ticketBase = (this.#random.uint32() % 2 ** 21) * 2 ** 32
    // Whom the log has no room for is named again a tick later.
    this.#expiry = new SessionExpiry(world, options.tickMs, (session) => {
      if (!this.proposer.isHeldBack) this.proposer.batch(undefined).expire(session, session.lastIndex)
    })
  }

  /** From now on this server decides which sessions end. All of them get their full time. */
  lead(): void {
    this.#expiry.start(this.machine.sessions())
  }

  stop(): void {
    this.#expiry.stop()
    this.proposer.stop()
  }

  nowMs(): number {
    return this.#world.clock.monotonicMs()
  }

  isAhead(lastZxidSeen: bigint): boolean {
    return zxidAfter(zxidFromBigint(lastZxidSeen), this.machine.zxid)
  }

  report(): ServerReport {
    return {
      version: this.#version,
      statistics: this.statistics,
      outstanding: this.outstanding.count,
      zxid: this.machine.zxid,
      // ZooKeeper counts its root twice.
      nodeCount: this.machine.tree.size + 1,
    }
  }

  // Connections.

  connectionOpened(): void {
    this.statistics.connections++
  }

  connectionClosed(connection: ClientConnection): void {
    this.statistics.connections--
    this.outstanding.forget(connection)
    this.watches.remove(connection)
    const { session } = connection
    if (session && this.#owners.get(session) === connection) this.#owners.delete(session)
  }

  heardFrom(session: Session): void {
    this.#expiry.heardFrom(session)
  }

  /** Proposes a new session or the take-over of one; ends in `welcome` or `turnAway`. */
  join(connection: ClientConnection, request: ConnectRequest): void {
    const ticket = this.#ticketBase + ++this.#tickets
    this.#joining.set(ticket, connection)
    const failed = (reason: string): void => {
      this.#joining.delete(ticket)
      connection.proposalFailed(reason)
    }
    const batch = this.proposer.batch({
      nextNumber: 0,
      proposalRefused: () => failed('it was refused'),
      proposalFailed: failed,
    })
    const timeoutMs = this.#grantedMs(request.timeoutMs)
    if (request.sessionId === 0n)
      batch.connect({ sessionId: this.#newSessionId(), password: this.#newPassword(), timeoutMs, ticket })
    else
      batch.resume({
        sessionId: request.sessionId,
        password: passwordShown(request.password),
        timeoutMs,
        ticket,
      })
  }

  #grantedMs(askedMs: number): number {
    const { tickMs } = this.options
    return Math.min(Math.max(askedMs, tickMs * SESSION_TICKS.MIN), tickMs * SESSION_TICKS.MAX)
  }

  /** Random, never 0, and positive as clients print it. */
  #newSessionId(): bigint {
    return (BigInt(this.#random.uint32() & 0x7fff_ffff) << 32n) | BigInt(this.#random.uint32() || 1)
  }

  #newPassword(): Uint8Array {
    const writer = new ByteWriter(PASSWORD_BYTES)
    for (let i = 0; i < PASSWORD_BYTES / 4; i++) writer.uint32(this.#random.uint32())
    return writer.take()
  }

  // What applied entries did.

  changed(change: NodeChange): void {
    this.watches.changed(change)
  }

  replied(
    session: Session,
    generation: number,
    number: number,
    zxid: Zxid,
    error: number,
    body: Uint8Array,
  ): void {
    const owner = this.#owners.get(session)
    if (owner?.generation === generation) owner.replied(number, zxid, error, body)
  }

  refused(sessionId: bigint, generation: number, _number: number, _reason: WriteRefusal): void {
    const session = this.machine.session(sessionId)
    const owner = session && this.#owners.get(session)
    if (owner?.generation === generation) owner.dismiss()
  }

  sessionOpened(session: Session, ticket: number): void {
    this.#expiry.heardFrom(session)
    this.#settleJoin(session, ticket)
  }

  sessionResumed(session: Session, ticket: number): void {
    this.#expiry.heardFrom(session)
    const former = this.#owners.get(session)
    this.#owners.delete(session)
    former?.dismiss()
    this.#settleJoin(session, ticket)
  }

  sessionRefused(_sessionId: bigint, ticket: number, _reason: SessionRefusal): void {
    this.#takeJoining(ticket)?.turnAway()
  }

  sessionClosed(session: Session): void {
    this.#expiry.forget(session)
    const owner = this.#owners.get(session)
    this.#owners.delete(session)
    owner?.dismiss()
  }

  ignored(reason: string): void {
    this.ignoredEntries.set(reason, (this.ignoredEntries.get(reason) ?? 0) + 1)
  }

  #settleJoin(session: Session, ticket: number): void {
    const connection = this.#takeJoining(ticket)
    if (connection === undefined || connection.gone) return
    this.#owners.set(session, connection)
    connection.welcome(session)
  }

  #takeJoining(ticket: number): ClientConnection | undefined {
    const connection = this.#joining.get(ticket)
    this.#joining.delete(ticket)
    return connection
  }

  /** One frame for all who watch. */
  #fired(type: EventType, path: string, watchers: ReadonlySet<ClientConnection>): void {
    this.scratch.reset()
    writeEventFrame(this.scratch, type, path)
    const frame = this.scratch.view()
    for (const watcher of watchers) watcher.event(frame)
  }
}

/** A password of another length is nobody's. */
function passwordShown(password: Uint8Array | null): Uint8Array {
  const shown = new Uint8Array(PASSWORD_BYTES)
  if (password?.length === PASSWORD_BYTES) shown.set(password)
  return shown
}
