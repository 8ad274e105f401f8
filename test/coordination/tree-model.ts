/** A node as the model sees it. Everything that can be worked out from the others is not kept. */
interface ModelNode {
  readonly data: string
  readonly version: number
  readonly creates: number
  readonly czxid: number
  readonly mzxid: number
  readonly pzxid: number
  readonly owner: string | undefined
}

export type ModelWrite =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: string
      readonly ephemeral: boolean
      readonly sequential: boolean
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: string; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }

export interface ModelEvent {
  readonly type: number
  readonly path: string
}

type Nodes = ReadonlyMap<string, ModelNode>

/**
 * ZooKeeper's tree in the plainest form: a map that is copied for every write, children found by looking at every
 * path, nothing cached. Slow, and short enough to be seen to be right.
 */
export class TreeModel {
  #nodes: Nodes = new Map(
    ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'].map((path) => [path, root()]),
  )
  readonly #dataWatches = new Map<string, Set<string>>()
  readonly #childWatches = new Map<string, Set<string>>()
  zxid = 0

  get paths(): string[] {
    return [...this.#nodes.keys()].sort()
  }

  get(path: string): ModelNode | undefined {
    return this.#nodes.get(path)
  }

  children(path: string): string[] {
    return childrenOf(this.#nodes, path)
  }

  watch(kind: 'data' | 'children', path: string, watcher: string): void {
    const table = kind === 'data' ? this.#dataWatches : this.#childWatches
    table.set(path, new Set([...(table.get(path) ?? []), watcher]))
  }

  unwatch(watcher: string): void {
    for (const table of [this.#dataWatches, this.#childWatches])
      for (const watchers of table.values()) watchers.delete(watcher)
  }

  /** One transaction: the error of each write, and the events of each watcher. */
  write(
    writes: readonly ModelWrite[],
    caller: string,
  ): { errors: number[]; events: Map<string, ModelEvent[]> } {
    this.zxid += 1
    let nodes = this.#nodes
    const changes: ModelEvent[] = []
    for (const [index, write] of writes.entries()) {
      const result = applied(nodes, write, caller, this.zxid)
      if (typeof result === 'number')
        return {
          errors: writes.map((_, i) => (i < index ? 0 : i === index ? result : -2)),
          events: new Map(),
        }
      nodes = result.nodes
      if (result.change) changes.push(result.change)
    }
    this.#nodes = nodes
    return { errors: writes.map(() => 0), events: this.#fire(changes) }
  }

  /** Ends a session: its ephemerals go in one transaction. */
  end(owner: string): Map<string, ModelEvent[]> {
    this.zxid += 1
    const gone = [...this.#nodes].filter(([, node]) => node.owner === owner).map(([path]) => path)
    const changes: ModelEvent[] = []
    for (const path of gone) {
      this.#nodes = without(this.#nodes, path, this.zxid)
      changes.push({ type: 2, path })
    }
    return this.#fire(changes)
  }

  #fire(changes: readonly ModelEvent[]): Map<string, ModelEvent[]> {
    const events = new Map<string, ModelEvent[]>()
    const fire = (type: number, path: string, tables: Map<string, Set<string>>[]): void => {
      const watchers = new Set(tables.flatMap((table) => [...(table.get(path) ?? [])]))
      for (const table of tables) table.delete(path)
      for (const watcher of watchers) events.set(watcher, [...(events.get(watcher) ?? []), { type, path }])
    }
    for (const { type, path } of changes) {
      fire(type, path, type === 2 ? [this.#dataWatches, this.#childWatches] : [this.#dataWatches])
      if (type !== 3) fire(4, parentOf(path), [this.#childWatches])
    }
    return events
  }
}

function applied(
  nodes: Nodes,
  write: ModelWrite,
  caller: string,
  zxid: number,
): number | { nodes: Nodes; change?: ModelEvent } {
  if (write.type === 'create') return created(nodes, write, caller, zxid)
  const node = nodes.get(write.path)
  if (write.type === 'delete') {
    if (['/', '/zookeeper'].includes(write.path)) return -8
    if (node === undefined) return -101
    if (write.version !== -1 && write.version !== node.version) return -103
    if (childrenOf(nodes, write.path).length > 0) return -111
    return { nodes: without(nodes, write.path, zxid), change: { type: 2, path: write.path } }
  }
  if (node === undefined) return -101
  if (write.version !== -1 && write.version !== node.version) return -103
  if (write.type === 'check') return { nodes }
  const changed = { ...node, data: write.data, version: node.version + 1, mzxid: zxid }
  return { nodes: new Map([...nodes, [write.path, changed]]), change: { type: 3, path: write.path } }
}

function created(
  nodes: Nodes,
  write: ModelWrite & { type: 'create' },
  caller: string,
  zxid: number,
): number | { nodes: Nodes; change: ModelEvent } {
  const above = parentOf(write.path)
  const parent = nodes.get(above)
  if (parent === undefined) return -101
  const path = write.sequential ? write.path + String(parent.creates).padStart(10, '0') : write.path
  if (nodes.has(path)) return -110
  if (parent.owner !== undefined) return -108
  const owner = write.ephemeral ? caller : undefined
  const node = { ...root(), data: write.data, czxid: zxid, mzxid: zxid, pzxid: zxid, owner }
  const changedParent = { ...parent, creates: parent.creates + 1, pzxid: zxid }
  return { nodes: new Map([...nodes, [above, changedParent], [path, node]]), change: { type: 1, path } }
}

function without(nodes: Nodes, path: string, zxid: number): Nodes {
  const above = parentOf(path)
  const left = new Map([...nodes, [above, { ...nodes.get(above)!, pzxid: zxid }]])
  left.delete(path)
  return left
}

function childrenOf(nodes: Nodes, path: string): string[] {
  const start = path === '/' ? '/' : `${path}/`
  return [...nodes.keys()]
    .filter((each) => each !== '/' && each.startsWith(start) && !each.slice(start.length).includes('/'))
    .map((each) => each.slice(start.length))
    .sort()
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function root(): ModelNode {
  return { data: '', version: 0, creates: 0, czxid: 0, mzxid: 0, pzxid: 0, owner: undefined }
}
