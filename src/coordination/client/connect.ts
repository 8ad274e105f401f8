import { invalidOption } from '../../base/index.ts'
import { ANY_VERSION, ERROR_CODE, OPEN_ACL, operations as wire } from '../core/index.ts'
import type {
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
    return await this.#session.call(
      {
        what,
        readOnly: false,
        operation: wire.create2,
        fields: { path: this.#inside(path), data, acl: OPEN_ACL, flags: createFlags(what, options.mode) },
        result: (error, reader) => {
          const reply = body(what, error, reader, wire.create2.reply)
          return { path: this.#outside(reply.path), stat: toStat(reply.stat) }
        },
      },
      options,
    )
  }

  async delete(path: string, options: VersionOptions = {}): Promise<void> {
    const what = `delete ${path}`
    await this.#session.call(
      {
        what,
        readOnly: false,
        operation: wire.deleteNode,
        fields: { path: this.#inside(path), version: options.version ?? ANY_VERSION },
        result: (error, reader) => body(what, error, reader, wire.deleteNode.reply),
      },
      options,
    )
  }

  async exists(path: string, options: WatchOptions = {}): Promise<Stat | undefined> {
    const what = `exists ${path}`
    const inside = this.#inside(path)
    const { watch } = options
    return await this.#session.call(
      {
        what,
        readOnly: true,
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
    const what = `get ${path}`
    const inside = this.#inside(path)
    const { watch } = options
    return await this.#session.call(
      {
        what,
        readOnly: true,
        operation: wire.getData,
        fields: { path: inside, watch: watch !== undefined },
        result: (error, reader) => {
          const reply = body(what, error, reader, wire.getData.reply)
          if (watch) this.#session.watches.add('data', inside, watch)
          return {
            data: reply.data === null ? new Uint8Array(0) : new Uint8Array(reply.data),
            stat: toStat(reply.stat),
          }
        },
      },
      options,
    )
  }

  async set(path: string, data: Uint8Array, options: VersionOptions = {}): Promise<Stat> {
    const what = `set ${path}`
    return await this.#session.call(
      {
        what,
        readOnly: false,
        operation: wire.setData,
        fields: { path: this.#inside(path), data, version: options.version ?? ANY_VERSION },
        result: (error, reader) => toStat(body(what, error, reader, wire.setData.reply).stat),
      },
      options,
    )
  }

  async children(
    path: string,
    options: WatchOptions = {},
  ): Promise<{ children: readonly string[]; stat: Stat }> {
    const what = `children ${path}`
    const inside = this.#inside(path)
    const { watch } = options
    return await this.#session.call(
      {
        what,
        readOnly: true,
        operation: wire.getChildren2,
        fields: { path: inside, watch: watch !== undefined },
        result: (error, reader) => {
          const reply = body(what, error, reader, wire.getChildren2.reply)
          if (watch) this.#session.watches.add('child', inside, watch)
          return { children: reply.children, stat: toStat(reply.stat) }
        },
      },
      options,
    )
  }

  async multi(
    operations: readonly MultiOperation[],
    options: CallOptions = {},
  ): Promise<readonly MultiResult[]> {
    const what = `multi of ${operations.length}`
    return await this.#session.call(
      {
        what,
        readOnly: false,
        operation: wire.multi,
        fields: operations.map((operation) => multiPart(operation, (path) => this.#inside(path))),
        result: (error, reader) =>
          multiResults(operations, body(what, error, reader, wire.multi.reply), (path) =>
            this.#outside(path),
          ),
      },
      options,
    )
  }

  async sync(path: string, options: CallOptions = {}): Promise<void> {
    const what = `sync ${path}`
    await this.#session.call(
      {
        what,
        readOnly: true,
        operation: wire.sync,
        fields: { path: this.#inside(path) },
        result: (error, reader) => body(what, error, reader, wire.sync.reply),
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
