import { checkKnownOptions, invalidOption, stringOption } from '../base/index.ts'
import { type EmbeddedServer, serverError, startEmbedded } from '../server/index.ts'
import { FaultProxy } from './fault-proxy.ts'

/** What a server can be asked for. */
export type TestFeature = 'coordination'

export interface TestServerOptions {
  /** The features that the test needs. Default all. */
  readonly only?: readonly TestFeature[]
  /** Keep the data in this folder, for tests of restarts. Default a folder that ends with the server. */
  readonly data?: string
  /** The coordinator's tick, ms: sessions live for 2 to 20 of them. Default 200, so that tests need not wait. */
  readonly tickMs?: number
}

/** What can go wrong between a client and the server, on demand. */
export interface Faults {
  /**
   * Cuts every connection; clients may come back at once. Resolves when clients in this process have heard of it: a
   * call made afterwards waits for the next connection.
   */
  dropConnections(): Promise<void>
  /** Cuts new connections as soon as they are made, until `acceptConnections`. */
  refuseConnections(): void
  acceptConnections(): void
  /** Connections stay open and carry nothing, like a cable that was pulled, until `resume`. */
  pause(): void
  resume(): void
}

/** A fenbu server for one test. */
export interface TestServer {
  /** `fenbu://127.0.0.1:<port>`, for `connect` of fenbu. */
  readonly url: string
  /** The same place as `zookeeper://127.0.0.1:<port>`, for clients of ZooKeeper. */
  readonly zookeeperUrl: string
  readonly host: string
  readonly port: number
  readonly faults: Faults
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const FEATURES: readonly string[] = ['coordination'] satisfies readonly TestFeature[]
const TICK_MS_DEFAULT = 200

/**
 * Starts a server of its own on a free port, in a thread, ready in a fraction of a second. Fails with
 * `SERVER_FEATURE_UNAVAILABLE` for a feature that this version does not have.
 *
 * ```ts
 * const server = await startServer({ only: ['coordination'] })
 * const app = await connect(server.url)
 * await server.faults.dropConnections()
 * ```
 */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const where = 'startServer'
  checkKnownOptions(where, options, ['only', 'data', 'tickMs'])
  checkFeatures(options.only ?? FEATURES)
  const { tickMs = TICK_MS_DEFAULT, data } = options
  const server = await startEmbedded({
    port: 0,
    coordination: { tickMs },
    ...(data === undefined ? { temporary: true } : { data: stringOption(where, 'data', data, data) }),
  })
  return new ServerBehindFaults(server, await FaultProxy.open(server))
}

class ServerBehindFaults implements TestServer {
  readonly url: string
  readonly zookeeperUrl: string
  readonly host: string
  readonly port: number
  readonly faults: Faults
  readonly #server: EmbeddedServer
  readonly #proxy: FaultProxy
  #closing: Promise<void> | undefined

  constructor(server: EmbeddedServer, proxy: FaultProxy) {
    const { host, port } = proxy.address
    this.url = `fenbu://${host}:${port}`
    this.zookeeperUrl = `zookeeper://${host}:${port}`
    this.host = host
    this.port = port
    this.faults = proxy
    this.#server = server
    this.#proxy = proxy
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#proxy.close()
    await this.#server.close()
  }
}

function checkFeatures(only: unknown): void {
  if (!Array.isArray(only))
    throw invalidOption('startServer', 'only', only, `a list of ${FEATURES.join(', ')}`)
  const missing = only.find((feature) => !FEATURES.includes(feature))
  if (missing !== undefined)
    throw serverError(
      'SERVER_FEATURE_UNAVAILABLE',
      `startServer: this version has no ${JSON.stringify(missing)}; it has ${FEATURES.join(', ')}`,
    )
}
