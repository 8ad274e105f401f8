import { readFileSync } from 'node:fs'
import { type FenbuError, isFenbuError, type World } from '../../base/index.ts'
import { Replica, type ReplicaOptions } from '../../cluster/index.ts'
import type { NodeId } from '../../consensus/index.ts'
import type { Service } from '../../host/index.ts'
import { LocalLog, SnapshotStore, WriteAheadLog } from '../../storage/index.ts'
import type { CoordinationOutput } from '../core/index.ts'
import { Coordinator } from './coordinator.ts'
import type { ServerReport } from './four-letter-words.ts'
import type { LogAccess } from './log-access.ts'
import { type CoordinationServerOptions, resolveServerOptions } from './options.ts'
import { zookeeperService } from './service.ts'

const STREAM = 'coordination'
/** What a proposal is refused with that can be taken once the disk has caught up. */
const OVERLOADED: ReadonlySet<string> = new Set(['CLUSTER_OVERLOADED', 'STORAGE_OVERLOADED'])

export interface CoordinationServerSetup {
  readonly world: World
  /** Below the root of the world's files; snapshots go here, and the log if no other is given. */
  readonly folder: string
  /** A log that is shared with others; it stays open when the server closes. */
  readonly wal?: WriteAheadLog
  /** This server's name in its own log. Default `local`. */
  readonly nodeId?: string
  /** Told once if the disk failed or applying did: the process must stop, since nothing can be acknowledged. */
  readonly onFailure?: (error: FenbuError) => void
  readonly options?: CoordinationServerOptions
  readonly replica?: ReplicaOptions
}

/**
 * A coordination server on one node: the machine, its log on disk, and the ZooKeeper protocol in front. It listens
 * nowhere by itself: put `service()` on a `Listener`, and close that first, so that what was accepted is answered.
 * Sessions, their ephemeral nodes and zxids go on where they were when it is opened again.
 */
export class CoordinationServer {
  readonly #coordinator: Coordinator
  readonly #replica: Replica<CoordinationOutput>
  readonly #ownLog: WriteAheadLog | undefined
  #closing: Promise<void> | undefined

  private constructor(
    coordinator: Coordinator,
    replica: Replica<CoordinationOutput>,
    ownLog: WriteAheadLog | undefined,
  ) {
    this.#coordinator = coordinator
    this.#replica = replica
    this.#ownLog = ownLog
  }

  /**
   * Recovers what was acknowledged and grants every session its full time from now. Rejects with `OPTION_…`, and
   * with `STORAGE_…`, `CLUSTER_…` or `FILE_…` if the data cannot be used.
   */
  static async open(setup: CoordinationServerSetup): Promise<CoordinationServer> {
    const options = resolveServerOptions(setup.options)
    const { world, folder } = setup
    const wal = setup.wal ?? (await WriteAheadLog.open(world, `${folder}/log`))
    const ownLog = setup.wal ? undefined : wal
    let coordinator: Coordinator | undefined
    try {
      const snapshots = await SnapshotStore.open(world, `${folder}/snapshots`)
      const access = new ReplicaAccess()
      coordinator = new Coordinator(world, access, options, packageVersion())
      const replica = await Replica.open<CoordinationOutput>({
        world,
        wal,
        stream: STREAM,
        snapshots,
        createLog: (recovered) => new LocalLog((setup.nodeId ?? 'local') as NodeId, recovered),
        machine: coordinator.machine,
        output: coordinator,
        ...(setup.onFailure && { onFailure: setup.onFailure }),
        ...(setup.replica && { options: setup.replica }),
      })
      access.replica = replica
      await replica.readBarrier()
      coordinator.lead()
      return new CoordinationServer(coordinator, replica, ownLog)
    } catch (error) {
      coordinator?.stop()
      await ownLog?.close()
      throw error
    }
  }

  /** The ZooKeeper protocol, for a listener of its own or one that serves other protocols too. */
  service(): Service {
    return zookeeperService(this.#coordinator)
  }

  /** What `srvr` says. */
  status(): ServerReport {
    return this.#coordinator.report()
  }

  /** Stops taking requests and writes what is under way. Sessions are kept. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#coordinator.stop()
    await this.#replica.close()
    await this.#ownLog?.close()
  }
}

/** The coordinator's view of the replica, which is made after it. */
class ReplicaAccess implements LogAccess {
  replica: Replica<CoordinationOutput> | undefined

  get maxEntryBytes(): number {
    return this.replica!.maxEntryBytes
  }

  propose(data: Uint8Array, ended: Parameters<LogAccess['propose']>[1]): boolean {
    try {
      this.replica!.submit(data, ended)
    } catch (error) {
      if (isFenbuError(error) && OVERLOADED.has(error.code)) return false
      ended({ type: 'rejected', reason: error instanceof Error ? error.message : String(error) })
    }
    return true
  }

  barrier(ready: (failure?: string) => void): void {
    this.replica!.readBarrier().then(
      () => ready(),
      (error: unknown) => ready(error instanceof Error ? error.message : String(error)),
    )
  }
}

/** Of this package; its file is at the same distance from the sources and from what is built of them. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(text) as { version: unknown }).version)
}
