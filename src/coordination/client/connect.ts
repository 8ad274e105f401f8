import { invalidOption } from '../../base/index.ts'
import { ByteReader } from '../../bytes/index.ts'
import { ANY_VERSION, ERROR_CODE, OPEN_ACL, operations as wire } from '../core/index.ts'
import type {
  CallableOperation,
  CallOptions,
  CoordinationClient,
  CreateOptions,
  MultiOperation,
  MultiResult,
  Session,
  Stat,
  VersionOptions,
  WatchOptions,
} from './client.ts'
import { ClientSession } from './client-session.ts'
import { multiPart, multiResults } from './multi.ts'
import {
  type CoordinationClientOptions,
  type ResolvedClientOptions,
  resolveCallTimeout,
  resolveClientOptions,
} from './options.ts'
import { body, createFlags, toStat } from './replies.ts'
import { askServerVersion } from './server-version.ts'
import type { ClientState } from './session-machine.ts'
import { type CoordinationUrl, parseCoordinationUrl } from './url.ts'

const CALLABLE: readonly string[] = ['read', 'watch', 'write', 'sync']

/**
 * A client of the servers that the URL names: `zookeeper://h1:2181,h2:2181/chroot`, `fenbu://host:port`. Makes the
 * handle without I/O; it connects by itself, and `ready()` waits for it. A chroot that does not exist is created.
 *
 * ```ts
 * const client = connect('zookeeper://localhost:2181/shop')
 * await client.create('/greeting', new TextEncoder().encode('hello'), { mode: 'ephemeral' })
 * await client.close()
 * ```
 */
export function connect(url: string, options: CoordinationClientOptions = {}): CoordinationClient {
  return new Client(parseCoordinationUrl(url), resolveClientOptions(options))
}

class Client implements CoordinationClient {
  readonly #url: CoordinationUrl
  readonly #options: ResolvedClientOptions
  readonly #session: ClientSession

  constructor(url: CoordinationUrl, options: ResolvedClientOptions) {
    this.#url = url
    this.#options = options
    this.#session = new ClientSession(url, options)
    this.#session.start()
  }

  get state(): ClientState {
    return this.#session.state
  }

  get session(): Session | undefined {
    const session = this.#session.identity
    return session && { id: session.id, timeoutMs: session.timeoutMs, count: this.#session.count }
  }

  onState(listener: (state: ClientState) => void): () => void {
    return this.#session.onState(listener)
  }

  ready(options: CallOptions = {}): Promise<void> {
    return this.#session.ready(options)
  }

  async create(
    path: string,
    data: Uint8Array,
    options: CreateOptions = {},
  ): Promise<{ path: string; stat: Stat }> {
    const what = `create ${path}`
    const flags = createFlags(what, options.mode)
    const fields = { path: this.#inside(path), data, acl: OPEN_ACL, flags }
    return await this.#ask(what, wire.create2, fields, options, (reply) => ({
      path: this.#outside(reply.path),
      stat: toStat(reply.stat),
    }))
  }

  async delete(path: string, options: VersionOptions = {}): Promise<void> {
    const fields = { path: this.#inside(path), version: options.version ?? ANY_VERSION }
    await this.#ask(`delete ${path}`, wire.deleteNode, fields, options, () => undefined)
  }

  async exists(path: string, options: WatchOptions = {}): Promise<Stat | undefined> {
    const what = `exists ${path}`
    const inside = this.#inside(path)
    const { watch } = options
    return await this.#session.call(
      {
        what,
        operation: wire.exists,
        fields: { path: inside, watch: watch !== undefined },
        result: (error, reader) => {
          const absent = error === ERROR_CODE.NO_NODE
          const found = absent ? undefined : toStat(body(what, error, reader, wire.exists.reply).stat)
          if (watch) this.#session.watches.add(absent ? 'exist' : 'data', inside, watch)
          return found
        },
      },
      options,
    )
  }

  async get(path: string, options: WatchOptions = {}): Promise<{ data: Uint8Array; stat: Stat }> {
    const inside = this.#inside(path)
    const { watch } = options
    const fields = { path: inside, watch: watch !== undefined }
    return await this.#ask(`get ${path}`, wire.getData, fields, options, ({ data, stat }) => {
      if (watch) this.#session.watches.add('data', inside, watch)
      return { data: data === null ? new Uint8Array(0) : new Uint8Array(data), stat: toStat(stat) }
    })
  }

  async set(path: string, data: Uint8Array, options: VersionOptions = {}): Promise<Stat> {
    const fields = { path: this.#inside(path), data, version: options.version ?? ANY_VERSION }
    return await this.#ask(`set ${path}`, wire.setData, fields, options, ({ stat }) => toStat(stat))
  }

  async children(
    path: string,
    options: WatchOptions = {},
  ): Promise<{ children: readonly string[]; stat: Stat }> {
    const inside = this.#inside(path)
    const { watch } = options
    const fields = { path: inside, watch: watch !== undefined }
    return await this.#ask(`children ${path}`, wire.getChildren2, fields, options, ({ children, stat }) => {
      if (watch) this.#session.watches.add('child', inside, watch)
      return { children, stat: toStat(stat) }
    })
  }

  async multi(
    operations: readonly MultiOperation[],
    options: CallOptions = {},
  ): Promise<readonly MultiResult[]> {
    const parts = operations.map((operation) => multiPart(operation, (path) => this.#inside(path)))
    return await this.#ask(`multi of ${operations.length}`, wire.multi, parts, options, (results) =>
      multiResults(operations, results, (path) => this.#outside(path)),
    )
  }

  async sync(path: string, options: CallOptions = {}): Promise<void> {
    const fields = { path: this.#inside(path) }
    await this.#ask(`sync ${path}`, wire.sync, fields, options, () => undefined)
  }

  async call<Request, Reply>(
    operation: CallableOperation<Request, Reply>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Reply> {
    const { name: what, kind, reply } = operation
    if (!CALLABLE.includes(kind)) throw invalidOption(what, 'kind', kind, CALLABLE.join(', '))
    return await this.#session.call(
      {
        what,
        operation,
        fields: request,
        // What is read of the connection's own memory would not last.
        result: (error, reader) =>
          body(what, error, new ByteReader(new Uint8Array(reader.bytes(reader.remaining))), reply),
      },
      options,
    )
  }

  /** One request; `result` makes of the reply what the application is to get, before any later frame is looked at. */
  #ask<Fields, Reply, Result>(
    what: string,
    operation: CallableOperation<Fields, Reply>,
    fields: Fields,
    options: CallOptions,
    result: (reply: Reply) => Result,
  ): Promise<Result> {
    return this.#session.call(
      {
        what,
        operation,
        fields,
        result: (error, reader) => result(body(what, error, reader, operation.reply)),
      },
      options,
    )
  }

  serverVersion(options: CallOptions = {}): Promise<string> {
    const timeoutMs = resolveCallTimeout(options.timeoutMs, this.#options.callTimeoutMs)
    return askServerVersion(this.#url.hosts, this.#options, timeoutMs, options.signal)
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The server's path of one of the application's. */
  #inside(path: string): string {
    if (typeof path !== 'string' || !path.startsWith('/'))
      throw invalidOption('coordination', 'path', path, 'a path that starts with a slash')
    const { chroot } = this.#url
    if (chroot === '') return path
    return path === '/' ? chroot : chroot + path
  }

  #outside(path: string): string {
    return path.slice(this.#url.chroot.length) || '/'
  }
}
