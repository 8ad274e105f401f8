import type { AclList } from './acl-table.ts'
import type { NodeChange } from './output.ts'
import { PERMISSION } from './wire/acl.ts'
import { EVENT_TYPE, type EventType } from './wire/watch-event.ts'

/** Where events go: all watchers of one event at once, so that it is encoded once. */
export interface WatchOutput<Watcher> {
  fired(type: EventType, path: string, watchers: ReadonlySet<Watcher>): void
}

/**
 * The one-shot watches of this server's connections. Local: they are not replicated and die with their connection.
 * A path watched twice by one connection fires once.
 */
export class Watches<Watcher extends object> {
  readonly #data: WatchTable<Watcher> = new WatchTable()
  readonly #children: WatchTable<Watcher> = new WatchTable()
  readonly #output: WatchOutput<Watcher>

  constructor(output: WatchOutput<Watcher>) {
    this.#output = output
  }

  watchData(path: string, watcher: Watcher): void {
    this.#data.add(path, watcher)
  }

  watchChildren(path: string, watcher: Watcher): void {
    this.#children.add(path, watcher)
  }

  /**
   * A node changed: fires its own watches, then those of its parent's list of children. The watch of someone who
   * may not read the node is used up without an event, which would tell that the node exists.
   */
  changed({ type, path, acl, parentAcl }: NodeChange): void {
    const watchers = this.#data.take(path)
    const both = type === EVENT_TYPE.DELETED ? union(watchers, this.#children.take(path)) : watchers
    this.#fire(type, path, acl, both)
    if (parentAcl === undefined) return
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    this.#fire(EVENT_TYPE.CHILDREN_CHANGED, parent, parentAcl, this.#children.take(parent))
  }

  /** The connection is gone, and its watches with it. */
  remove(watcher: Watcher): void {
    this.#data.remove(watcher)
    this.#children.remove(watcher)
  }

  /** Pairs of path and connection. */
  get count(): number {
    return this.#data.count + this.#children.count
  }

  /** About the memory that a connection's watches take. */
  bytesOf(watcher: Watcher): number {
    return this.#data.bytesOf(watcher) + this.#children.bytesOf(watcher)
  }

  #fire(type: EventType, path: string, acl: AclList, watchers: ReadonlySet<Watcher> | undefined): void {
    if (watchers !== undefined && acl.permits(PERMISSION.READ)) this.#output.fired(type, path, watchers)
  }
}

/** What one watch takes beside its path: a place in two tables. */
const WATCH_OVERHEAD_BYTES = 200

interface WatchedPaths {
  readonly paths: Set<string>
  bytes: number
}

class WatchTable<Watcher extends object> {
  readonly #watchers = new Map<string, Set<Watcher>>()
  readonly #watched = new Map<Watcher, WatchedPaths>()
  count = 0

  add(path: string, watcher: Watcher): void {
    const watchers = entryOf(this.#watchers, path, () => new Set<Watcher>())
    if (watchers.has(watcher)) return
    watchers.add(watcher)
    const watched = entryOf(this.#watched, watcher, () => ({ paths: new Set<string>(), bytes: 0 }))
    watched.paths.add(path)
    watched.bytes += bytesOfWatch(path)
    this.count += 1
  }

  bytesOf(watcher: Watcher): number {
    return this.#watched.get(watcher)?.bytes ?? 0
  }

  /** The watchers of a path, which are so no longer. */
  take(path: string): Set<Watcher> | undefined {
    const watchers = this.#watchers.get(path)
    if (watchers === undefined) return undefined
    this.#watchers.delete(path)
    for (const watcher of watchers) this.#forget(watcher, path)
    this.count -= watchers.size
    return watchers
  }

  remove(watcher: Watcher): void {
    const watched = this.#watched.get(watcher)
    if (watched === undefined) return
    this.#watched.delete(watcher)
    for (const path of watched.paths) {
      const watchers = this.#watchers.get(path)
      watchers?.delete(watcher)
      if (watchers?.size === 0) this.#watchers.delete(path)
    }
    this.count -= watched.paths.size
  }

  #forget(watcher: Watcher, path: string): void {
    const watched = this.#watched.get(watcher)
    if (watched === undefined) return
    watched.paths.delete(path)
    watched.bytes -= bytesOfWatch(path)
    if (watched.paths.size === 0) this.#watched.delete(watcher)
  }
}

function bytesOfWatch(path: string): number {
  return path.length * 2 + WATCH_OVERHEAD_BYTES
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function union<Item>(a: Set<Item> | undefined, b: Set<Item> | undefined): Set<Item> | undefined {
  if (a === undefined || b === undefined) return a ?? b
  for (const item of b) a.add(item)
  return a
}
