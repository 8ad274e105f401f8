import type { FenbuError, World } from '../base/index.ts'
import { CoordinationServer } from '../coordination/server/index.ts'
import { formatAddress, Listener, nodeClock, nodeRandom, nodeTimers } from '../host/index.ts'
import { WriteAheadLog } from '../storage/index.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import type { ServerIdentity } from './identity.ts'
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './options.ts'

/** Folder of the log, below the data folder. */
const LOG_FOLDER = 'log'
/** Folder of what the coordinator keeps beside the log. */
const COORDINATION_FOLDER = 'coordination'

/** A server that is running. */
export interface FenbuServer {
  /** `fenbu://host:port`: one port that recognises the protocol of each connection. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Absolute path of the data folder. */
  readonly data: string
  readonly identity: ServerIdentity
  /** Called once if it stops without having been asked to; it has closed itself then. */
  onDeath(listener: (error: FenbuError) => void): void
  /** Stops accepting, lets connections finish what is under way, closes the data. Twice is fine. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a fenbu server in this process: its log, its coordinator, and one port.
 * Fails with `SERVER_DATA_IN_USE`, `SERVER_DATA_FOREIGN`, `SERVER_IDENTITY_CORRUPT`, `HOST_ADDRESS_IN_USE`,
 * `HOST_EXPOSED`, `STORAGE_…`, `CLUSTER_…`, `FILE_…`; everything it opened is closed again then.
 */
export async function startServer(options: ServerOptions = {}): Promise<FenbuServer> {
  const resolved = resolveServerOptions(options)
  const server = new RunningServer(resolved)
  try {
    await server.open()
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}

class RunningServer implements FenbuServer {
  readonly #options: ResolvedServerOptions
  readonly #listeners: ((error: FenbuError) => void)[] = []
  #folder: DataFolder | undefined
  #log: WriteAheadLog | undefined
  #coordination: CoordinationServer | undefined
  #listener: Listener | undefined
  #death: FenbuError | undefined
  #closing: Promise<void> | undefined

  constructor(options: ResolvedServerOptions) {
    this.#options = options
  }

  get url(): string {
    return `fenbu://${formatAddress({ host: this.host, port: this.port })}`
  }

  get host(): string {
    return this.#options.host
  }

  get port(): number {
    return this.#listener?.address.port ?? this.#options.port
  }

  get data(): string {
    return this.#folder!.path
  }

  get identity(): ServerIdentity {
    return this.#folder!.identity
  }

  async open(): Promise<void> {
    const { host, port, tls, insecure } = this.#options
    this.#folder = await openDataFolder(this.#options.data)
    const world: World = {
      clock: nodeClock,
      timers: nodeTimers,
      random: nodeRandom,
      files: this.#folder.files,
    }
    const onFailure = (error: FenbuError): void => this.#die(error)
    this.#log = await WriteAheadLog.open(world, LOG_FOLDER)
    this.#log.onFailure = onFailure
    this.#coordination = await CoordinationServer.open({
      world,
      wal: this.#log,
      folder: COORDINATION_FOLDER,
      nodeId: this.identity.nodeId,
      onFailure,
      options: this.#options.coordination,
    })
    const services = [this.#coordination.service()]
    this.#listener = await Listener.open({ host, port, services, insecure, ...(tls && { tls }) })
  }

  onDeath(listener: (error: FenbuError) => void): void {
    if (this.#death) listener(this.#death)
    else this.#listeners.push(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(this.#options.drainTimeoutMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    try {
      await this.#listener?.close({ drainTimeoutMs })
      await this.#coordination?.close()
      await this.#log?.close()
    } finally {
      await this.#folder?.close()
    }
  }

  /** Nothing more is answered: what is on disk is not known any more until the next start reads it. */
  #die(error: FenbuError): void {
    if (this.#death || this.#closing) return
    this.#death = error
    this.#closing = this.#close(0).catch((failure: unknown) => {
      process.emitWarning(failure instanceof Error ? failure : String(failure))
    })
    for (const listener of this.#listeners) listener(error)
  }
}
