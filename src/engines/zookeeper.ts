import {
  type CoordinationClient,
  type CoordinationClientOptions,
  connect,
} from '../coordination/client/index.ts'
import { checkClientTls } from '../host/index.ts'
import type { Engine, EngineCallOptions, EngineHealth } from './engine.ts'
import { engineError } from './errors.ts'
import { completeFenbuUrl } from './hosts.ts'
import { withoutCredentials } from './schemes.ts'
import { SharedClient } from './shared-client.ts'

/** Time limit of a question to the engine, ms. */
const ENGINE_TIMEOUT_MS_DEFAULT = 5_000

/** A server that speaks the ZooKeeper protocol: ZooKeeper itself, or fenbu. */
export interface ZooKeeperEngine extends Engine {
  /** This use's own handle of the shared client: closing it closes the engine, and nothing for others. */
  readonly client: CoordinationClient
}

interface SharedConnection {
  readonly key: string
  readonly client: CoordinationClient
  users: number
}

const shared = new Map<string, SharedConnection>()

/** One connection per URL and options, however many use it. Throws `OPTION_…` and `HOST_TLS_INVALID`. */
export function openZooKeeper(url: string, options: CoordinationClientOptions = {}): ZooKeeperEngine {
  if (options.tls !== undefined) checkClientTls(options.tls)
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

  constructor(completeUrl: string, connection: SharedConnection) {
    this.url = withoutCredentials(completeUrl)
    this.client = new SharedClient(connection.client, () => release(connection))
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
    return this.client.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function release(connection: SharedConnection): Promise<void> {
  connection.users--
  if (connection.users > 0) return
  shared.delete(connection.key)
  await connection.client.close()
}

function callOptions(options: EngineCallOptions): { timeoutMs: number; signal?: AbortSignal } {
  return {
    timeoutMs: options.timeoutMs ?? ENGINE_TIMEOUT_MS_DEFAULT,
    ...(options.signal && { signal: options.signal }),
  }
}
