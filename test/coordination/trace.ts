import { ByteReader } from '../../src/bytes/index.ts'
import {
  type AnyOperation,
  CREATE_FLAGS,
  OPEN_ACL,
  operations,
  PERMISSION,
  replyHeader,
  watcherEvent,
} from '../../src/coordination/core/index.ts'
import { type MemoryConnection, MemoryCoordinator, passwordOf } from './memory-coordinator.ts'

/**
 * Runs a scenario: blocks of commands, each followed by `----` and everything it must print, to a blank line.
 * Returns the file as it should read.
 */
export function runTrace(text: string): string {
  const trace = new Trace()
  return text
    .trimEnd()
    .split('\n\n')
    .map((block) => {
      const commands = block.split('\n----')[0]!
      if (!block.includes('\n----')) return block
      return [commands, '----', ...commands.split('\n').flatMap((line) => trace.run(line))].join('\n')
    })
    .join('\n\n')
    .concat('\n')
}

const FLAGS: Readonly<Record<string, number>> = {
  ephemeral: CREATE_FLAGS.EPHEMERAL,
  sequential: CREATE_FLAGS.PERSISTENT_SEQUENTIAL,
  container: CREATE_FLAGS.CONTAINER,
  ttl: CREATE_FLAGS.TTL,
}

class Trace {
  readonly #coordinator = new MemoryCoordinator()
  readonly #connections = new Map<string, MemoryConnection>()
  #xid = 0

  run(line: string): string[] {
    const words = line.split(' ')
    if (line.startsWith('#')) return []
    const connection = this.#connections.get(words[0]!)
    const operation = connection === undefined ? undefined : this.#request(connection, words.slice(1))
    if (connection === undefined) this.#command(words)
    const told = this.#coordinator.told.splice(0)
    return [...told, ...this.#packets(connection, operation)]
  }

  #command([command, ...args]: string[]): void {
    const coordinator = this.#coordinator
    const [name = '', id = '0', third = '0'] = args
    if (command === 'connect') this.#connections.set(name, coordinator.connect(name))
    else if (command === 'resume') {
      const resumed = coordinator.resume(name, BigInt(id), passwordOf(Number(args[2] ?? id)))
      if (resumed) this.#connections.set(name, resumed)
    } else if (command === 'disconnect') coordinator.disconnect(this.#connections.get(name)!)
    else if (command === 'expire') {
      coordinator.batch.expire(coordinator.machine.session(BigInt(name))!, Number(id))
      coordinator.flush()
    } else if (command === 'epoch') coordinator.epoch = Number(name)
    else if (command === 'entry')
      coordinator.apply(Uint8Array.from(args, (byte) => Number.parseInt(byte, 16)))
    else if (command === 'skip') this.#connections.get(name)!.nextNumber += Number(id || third)
    else throw new Error(`a trace has no command ${command}`)
  }

  #request(connection: MemoryConnection, words: string[]): AnyOperation {
    const { operation, request } = parsed(words.join(' '))
    this.#coordinator.request(connection, ++this.#xid, operation, request)
    return operation
  }

  #packets(sender: MemoryConnection | undefined, operation: AnyOperation | undefined): string[] {
    return [...this.#connections.values()].flatMap((connection) =>
      connection.packets
        .splice(0)
        .map(
          (packet) =>
            `${connection.name} <- ${shownPacket(packet, sender === connection ? operation : undefined)}`,
        ),
    )
  }
}

/** `create /a data=x flags=ephemeral+sequential acl=cr`, `multi create /a | check /b version=1`. */
function parsed(text: string): { operation: AnyOperation; request: unknown } {
  const [name = '', ...args] = text.split(' ')
  const operation = Object.values(operations).find((each) => each.name === name) as AnyOperation | undefined
  if (operation === undefined) throw new Error(`a trace has no operation ${name}`)
  if (name === 'multi' || name === 'multiRead') {
    const parts = args
      .join(' ')
      .split(' | ')
      .filter((part) => part !== '')
    return { operation, request: parts.map(parsed) }
  }
  const path = args.find((arg) => arg.startsWith('/')) ?? ''
  const option = (key: string): string | undefined =>
    args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1)
  const list = (key: string): string[] => option(key)?.split(',') ?? []
  const request = {
    path,
    watch: args.includes('watch'),
    data: option('data') === 'null' ? null : new TextEncoder().encode(option('data') ?? ''),
    version: Number(option('version') ?? -1),
    flags:
      option('flags')
        ?.split('+')
        .reduce((sum, flag) => sum + (FLAGS[flag] ?? Number(flag)), 0) ?? 0,
    acl: option('acl') === undefined ? OPEN_ACL : aclOf(option('acl')!),
    prefix: option('prefix') ?? null,
  }
  if (name !== 'setWatches') return { operation, request }
  const relativeZxid = BigInt(option('zxid') ?? 0)
  return {
    operation,
    request: { relativeZxid, data: list('data'), exist: list('exist'), children: list('children') },
  }
}

/** `crwda` for world:anyone; `none` for an empty list; `scheme:id` for everything to somebody. */
function aclOf(text: string): typeof OPEN_ACL {
  if (text === 'none') return []
  const [scheme = '', ...id] = text.split(':')
  if (id.length > 0) return [{ permissions: PERMISSION.ALL, id: { scheme, id: id.join(':') } }]
  const letters = { r: 1, w: 2, c: 4, d: 8, a: 16 } as Readonly<Record<string, number>>
  const permissions = [...text].reduce((sum, letter) => sum + letters[letter]!, 0)
  return [{ permissions, id: { scheme: 'world', id: 'anyone' } }]
}

function shownPacket(packet: Uint8Array, operation: AnyOperation | undefined): string {
  const reader = new ByteReader(packet)
  const { xid, zxid, error } = replyHeader.read(reader)
  if (xid === -1) {
    const { type, state, path } = watcherEvent.read(reader)
    return `event type ${type} state ${state} ${path} zxid ${zxid}`
  }
  const header = `reply ${xid} zxid 0x${zxid.toString(16)} error ${error}`
  if (error !== 0 || reader.remaining === 0 || operation === undefined) return header
  return `${header} ${shown(operation.reply.read(reader))}`
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(value))
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : String(value)
  if ('operation' in value && 'error' in value) {
    const result = value as { operation: AnyOperation | undefined; error: number; reply: unknown }
    return result.operation === undefined
      ? `error ${result.error}`
      : `${result.operation.name} ${result.reply === undefined ? 'ok' : shown(result.reply)}`
  }
  return `{${Object.entries(value)
    .filter(([name]) => name !== 'ctime' && name !== 'mtime')
    .map(
      ([name, item]) =>
        `${name}: ${name.endsWith('zxid') ? `0x${(item as bigint).toString(16)}` : shown(item)}`,
    )
    .join(', ')}}`
}
