import type { WatchEvent, WatchListener } from './client.ts'

/** Which of the server's lists a watch is in: set by get or by exists of a node, by exists of none, by children. */
export type WatchKind = 'data' | 'exist' | 'child'

/** One packet that registers watches again. */
export interface WatchBatch {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly children: readonly string[]
}

/** Bytes of paths per packet: servers refuse packets above 1 MiB, and answer short ones sooner. */
const WATCH_BATCH_BYTES: number = 128 * 1024

const FIRES: Readonly<Record<WatchEvent['type'], readonly WatchKind[]>> = {
  created: ['data', 'exist'],
  'data-changed': ['data', 'exist'],
  deleted: ['data', 'exist', 'child'],
  'children-changed': ['child'],
}

/**
 * The one-shot watches of a client. The server keeps them per connection, so this side remembers them and
 * registers them again on every new one. Paths are the server's, with the chroot.
 */
export class Watches {
  readonly #kinds: Readonly<Record<WatchKind, Map<string, Set<WatchListener>>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  }

  get size(): number {
    const { data, exist, child } = this.#kinds
    return data.size + exist.size + child.size
  }

  /** The same listener twice on the same list of a node is called once, as with ZooKeeper's own client. */
  add(kind: WatchKind, path: string, listener: WatchListener): void {
    const watches = this.#kinds[kind]
    const listeners = watches.get(path)
    if (listeners) listeners.add(listener)
    else watches.set(path, new Set([listener]))
  }

  /** Takes out what an event fires, each listener once. */
  take(type: WatchEvent['type'], path: string): ReadonlySet<WatchListener> {
    const fired = new Set<WatchListener>()
    for (const kind of FIRES[type]) {
      const watches = this.#kinds[kind]
      for (const listener of watches.get(path) ?? []) fired.add(listener)
      watches.delete(path)
    }
    return fired
  }

  /** Takes out everything, with the event that each would see if its node had changed. */
  takeAll(): readonly { readonly event: WatchEvent; readonly listeners: ReadonlySet<WatchListener> }[] {
    const types: readonly [WatchKind, WatchEvent['type']][] = [
      ['data', 'data-changed'],
      ['exist', 'created'],
      ['child', 'children-changed'],
    ]
    return types.flatMap(([kind, type]) => {
      const taken = [...this.#kinds[kind]].map(([path, listeners]) => ({ event: { type, path }, listeners }))
      this.#kinds[kind].clear()
      return taken
    })
  }

  /** All watches, in packets of at most `batchBytes` of paths. */
  *batches(batchBytes: number = WATCH_BATCH_BYTES): Generator<WatchBatch> {
    let batch = emptyBatch()
    let bytes = 0
    for (const kind of ['data', 'exist', 'child'] as const) {
      for (const path of this.#kinds[kind].keys()) {
        // A UTF-16 unit becomes at most three bytes; four are the length.
        const pathBytes = 4 + path.length * 3
        if (bytes > 0 && bytes + pathBytes > batchBytes) {
          yield batch
          batch = emptyBatch()
          bytes = 0
        }
        batch[kind === 'child' ? 'children' : kind].push(path)
        bytes += pathBytes
      }
    }
    if (bytes > 0) yield batch
  }
}

function emptyBatch(): Record<keyof WatchBatch, string[]> {
  return { data: [], exist: [], children: [] }
}
