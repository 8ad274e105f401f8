import {
  type CoordinationClient,
  type CoordinationClientOptions,
  connect,
} from '../coordination/client/index.ts'
import type { Engine, EngineCallOptions, EngineHealth } from './engine.ts'
import { engineError } from './errors.ts'
import { completeFenbuUrl } from './hosts.ts'
import { withoutCredentials } from './schemes.ts'

/** Time limit of a question to the engine, ms. */
const ENGINE_TIMEOUT_MS_DEFAULT = 5_000

/** A server that speaks the ZooKeeper protocol: ZooKeeper itself, or fenbu. */
export interface ZooKeeperEngine extends Engine {
  readonly client: CoordinationClient
}

interface SharedConnection {
  readonly key: string
  readonly client: CoordinationClient
  users: number
}

const shared = new Map<string, SharedConnection>()

/** One connection per URL and options, however many use it. */
export function openZooKeeper(url: string, options: CoordinationClientOptions = {}): ZooKeeperEngine {
  const complete = completeFenbuUrl(url)
  const key = `${complete} ${JSON.stringify(options)}`
  let connection = shared.get(key)
  if (connection === undefined) {
    connection = { key, client: connect(complete, options), users: 0 }
    shared.set(key, connection)
  }
  connection.users++
  return new SharedZooKeeper(complete, connection)
}

class SharedZooKeeper implements ZooKeeperEngine {
  readonly name = 'zookeeper'
  readonly url: string
  readonly client: CoordinationClient
  readonly #connection: SharedConnection
  #closing: Promise<void> | undefined

  constructor(completeUrl: string, connection: SharedConnection) {
    this.url = withoutCredentials(completeUrl)
    this.client = connection.client
    this.#connection = connection
  }

  async ready(options: EngineCallOptions = {}): Promise<void> {
    const { timeoutMs = ENGINE_TIMEOUT_MS_DEFAULT, signal } = options
    try {
      await this.client.ready({ timeoutMs, ...(signal && { signal }) })
    } catch (cause) {
      signal?.throwIfAborted()
      throw engineError('ENGINE_UNREACHABLE', `${this.url} did not answer within ${timeoutMs} ms`, { cause })
    }
  }

  version(options: EngineCallOptions = {}): Promise<string> {
    return this.client.serverVersion(callOptions(options))
  }

  async health(options: EngineCallOptions = {}): Promise<EngineHealth> {
    if (this.client.state === 'suspended')
      return { state: 'degraded', roundTripMs: undefined, problem: 'the connection is lost' }
    const startMs = performance.now()
    try {
      await this.client.exists('/', callOptions(options))
      return { state: 'up', roundTripMs: performance.now() - startMs, problem: undefined }
    } catch (error) {
      return { state: 'down', roundTripMs: undefined, problem: String(error) }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#release()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #release(): Promise<void> {
    this.#connection.users--
    if (this.#connection.users > 0) return
    shared.delete(this.#connection.key)
    await this.client.close()
  }
}

function callOptions(options: EngineCallOptions): { timeoutMs: number; signal?: AbortSignal } {
  return {
    timeoutMs: options.timeoutMs ?? ENGINE_TIMEOUT_MS_DEFAULT,
    ...(options.signal && { signal: options.signal }),
  }
}
