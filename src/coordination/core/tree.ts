import { assert } from '../../base/index.ts'
import { type AclList, AclTable } from './acl-table.ts'
import type { Freeze } from './freeze.ts'
import { type Figures, Node, newImage } from './node.ts'
import { RESERVED_PATHS } from './path.ts'
import type { SessionState } from './session.ts'
import { OPEN_ACL, READ_ACL } from './wire/acl.ts'
import { STAT_OFFSET } from './wire/stat.ts'
import { ZXID_ZERO, type Zxid } from './zxid.ts'

/** When a change happens: its transaction and the leader's wall clock. */
export interface Stamp {
  readonly zxid: Zxid
  readonly wallMs: number
}

const CONFIG_PATH = '/zookeeper/config'
/** How to undo what happened since `begin`. */
interface Journal {
  /** Nodes that came or went, first one first. */
  readonly steps: (() => void)[]
  /** Of the nodes that changed, as they were. */
  readonly figures: Map<Node, Figures>
}

/** In the image of a node without data. */
const AVERSION_AT = 4 + STAT_OFFSET.AVERSION
const GENESIS: Stamp = { zxid: ZXID_ZERO, wallMs: 0 }

/**
 * All nodes by full path, the owners of the ephemeral ones, and the digest of it all. The methods that change it
 * check nothing: operations do. Between `begin` and `commit` every change can be taken back.
 */
export class Tree {
  readonly acls: AclTable = new AclTable()
  readonly #nodes = new Map<string, Node>()
  readonly #freeze: Freeze
  #digest = 0
  #journal: Journal | undefined

  constructor(freeze: Freeze) {
    this.#freeze = freeze
  }

  /** The reserved nodes, as a new server has them. */
  plant(): void {
    this.insert(this.#reserved('/', OPEN_ACL))
    for (const path of RESERVED_PATHS) if (path !== '/') this.#plantChild(path)
  }

  get(path: string): Node | undefined {
    return this.#nodes.get(path === '' ? '/' : path)
  }

  get size(): number {
    return this.#nodes.size
  }

  /** Sum of the hashes of all nodes. */
  get digest(): number {
    return this.#digest
  }

  nodes(): IterableIterator<Node> {
    return this.#nodes.values()
  }

  parentOf(node: Node): Node {
    const parent = this.get(node.path.slice(0, node.path.lastIndexOf('/')))
    assert(parent !== undefined && node.path !== '/', `the parent of ${node.path} exists`)
    return parent
  }

  create(
    path: string,
    parent: Node,
    data: Uint8Array | null,
    acl: AclList,
    owner: SessionState | undefined,
    stamp: Stamp,
  ): Node {
    assert(!this.#nodes.has(path), `${path} does not exist before it is created`)
    this.#willChange(parent)
    const node = new Node(path, newImage(data, stamp.zxid, stamp.wallMs, owner), acl, owner)
    this.insert(node)
    parent.addChild(nameOf(path), stamp.zxid)
    this.#rehash(parent)
    this.#journal?.steps.push(() => {
      this.#remove(node)
      parent.unlinkChild(nameOf(path))
    })
    return node
  }

  delete(node: Node, stamp: Stamp): void {
    assert((node.children?.size ?? 0) === 0, `${node.path} has no children when it is deleted`)
    const parent = this.parentOf(node)
    this.#willChange(parent)
    this.#freeze.beforeNodeChanges(node)
    this.#remove(node)
    parent.removeChild(nameOf(node.path), stamp.zxid)
    this.#rehash(parent)
    this.#journal?.steps.push(() => {
      this.insert(node)
      parent.linkChild(nameOf(node.path))
    })
  }

  setData(node: Node, data: Uint8Array | null, stamp: Stamp): void {
    this.#willChange(node)
    node.replaceData(data, stamp.zxid, stamp.wallMs, this.#journal === undefined)
    this.#rehash(node)
  }

  setAcl(node: Node, acl: AclList): void {
    this.#willChange(node)
    this.acls.retain(acl)
    this.acls.release(node.acl)
    node.replaceAcl(acl)
    this.#rehash(node)
  }

  /** From here on changes can be taken back. */
  begin(): void {
    assert(this.#journal === undefined, 'one transaction at a time')
    this.#journal = { steps: [], figures: new Map() }
  }

  commit(): void {
    this.#journal = undefined
  }

  /** Takes back everything since `begin`. */
  rollback(): void {
    const journal = this.#journal
    assert(journal !== undefined, 'a transaction was begun before it is taken back')
    this.#journal = undefined
    for (const step of journal.steps.reverse()) step()
    for (const [node, before] of journal.figures)
      if (this.get(node.path) === node) this.#restore(node, before)
  }

  /** Puts in a node as it is; the caller sees to the parent. */
  insert(node: Node): void {
    node.frozen = this.#freeze.generation
    this.#nodes.set(node.path, node)
    this.acls.retain(node.acl)
    node.owner?.ephemerals.add(node.path)
    node.hash = node.computeHash()
    this.#digest = (this.#digest + node.hash) >>> 0
  }

  #remove(node: Node): void {
    this.#nodes.delete(node.path)
    this.acls.release(node.acl)
    node.owner?.ephemerals.delete(node.path)
    this.#digest = (this.#digest - node.hash) >>> 0
  }

  #willChange(node: Node): void {
    this.#freeze.beforeNodeChanges(node)
    const figures = this.#journal?.figures
    if (figures !== undefined && !figures.has(node)) figures.set(node, node.copyFigures())
  }

  #restore(node: Node, before: Figures): void {
    this.acls.retain(before.acl)
    this.acls.release(node.acl)
    node.restoreFigures(before)
    this.#rehash(node)
  }

  #rehash(node: Node): void {
    const hash = node.computeHash()
    this.#digest = (this.#digest - node.hash + hash) >>> 0
    node.hash = hash
  }

  #plantChild(path: string): void {
    const node = this.#reserved(path, path === CONFIG_PATH ? READ_ACL : OPEN_ACL)
    this.insert(node)
    const parent = this.parentOf(node)
    parent.plantChild(nameOf(path), GENESIS.zxid)
    this.#rehash(parent)
  }

  #reserved(path: string, acl: typeof OPEN_ACL): Node {
    const image = newImage(new Uint8Array(0), GENESIS.zxid, GENESIS.wallMs, undefined)
    // ZooKeeper's own has aversion -1 from the start.
    if (path === CONFIG_PATH) image.fill(0xff, AVERSION_AT, AVERSION_AT + 4)
    return new Node(path, image, this.acls.intern(acl), undefined)
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
