import { crc32 } from '../../bytes/index.ts'
import type { AclList } from './acl-table.ts'
import { hashText, mix } from './hash.ts'
import type { SessionState } from './session.ts'
import { STAT_BYTES, STAT_OFFSET } from './wire/stat.ts'
import type { Zxid } from './zxid.ts'

/** Bytes of the data's length in front of an image. */
const LENGTH_BYTES = 4

/**
 * One node. Its data and figures are kept as the body of its getData reply (int32 length, data, Stat), so that
 * answering is one copy.
 */
export class Node {
  readonly path: string
  readonly #pathHash: number
  #image: Uint8Array
  #statAt: number
  #dataHash: number
  acl: AclList
  /** Children ever created: names sequential nodes; an int32 that goes on at its minimum. */
  creates = 0
  children: Set<string> | undefined
  /** The session it ends with. */
  owner: SessionState | undefined
  /** Its part in the digest at present. */
  hash = 0
  /** The snapshot that it is already in, or that it came after. */
  frozen = 0
  /** The children's names as a reply's vector, until they change. */
  listing: Uint8Array | undefined

  constructor(path: string, image: Uint8Array, acl: AclList, owner: SessionState | undefined) {
    this.path = path
    this.#pathHash = hashText(path)
    this.#image = image
    this.#statAt = image.length - STAT_BYTES
    this.#dataHash = crc32(image, 0, this.#statAt)
    this.acl = acl
    this.owner = owner
  }

  /** A node from its image, or undefined if that contradicts itself or names an owner that `sessionOf` lacks. */
  static fromImage(
    path: string,
    image: Uint8Array,
    acl: AclList,
    sessionOf: (high: number, low: number) => SessionState | undefined,
  ): Node | undefined {
    const statAt = image.length - STAT_BYTES
    if (statAt < LENGTH_BYTES) return undefined
    const length = getInt32(image, 0)
    if ((length === -1 ? 0 : length) !== statAt - LENGTH_BYTES) return undefined
    const ownerAt = statAt + STAT_OFFSET.EPHEMERAL_OWNER
    const high = getInt32(image, ownerAt) >>> 0
    const low = getInt32(image, ownerAt + 4) >>> 0
    if (high === 0 && low === 0) return new Node(path, image, acl, undefined)
    const owner = sessionOf(high, low)
    return owner === undefined ? undefined : new Node(path, image, acl, owner)
  }

  /** int32 data length (-1: null), data, Stat. Shares memory: valid until the next change. */
  get image(): Uint8Array {
    return this.#image
  }

  /** The Stat alone. Shares memory. */
  get stat(): Uint8Array {
    return this.#image.subarray(this.#statAt)
  }

  /** The data alone; null where it was set to null. Shares memory. */
  get data(): Uint8Array | null {
    return getInt32(this.#image, 0) === -1 ? null : this.#image.subarray(LENGTH_BYTES, this.#statAt)
  }

  get version(): number {
    return this.#get(STAT_OFFSET.VERSION)
  }

  get aversion(): number {
    return this.#get(STAT_OFFSET.AVERSION)
  }

  /** True if the data changed after `zxid`. */
  changedAfter(zxid: Zxid): boolean {
    return this.#after(STAT_OFFSET.MZXID, zxid)
  }

  /** True if a child came or went after `zxid`. */
  childrenChangedAfter(zxid: Zxid): boolean {
    return this.#after(STAT_OFFSET.PZXID, zxid)
  }

  /** `inPlace`: the bytes of data of the same length may be overwritten; nobody has to get them back. */
  replaceData(data: Uint8Array | null, zxid: Zxid, wallMs: number, inPlace: boolean): void {
    const length = data === null ? 0 : data.length
    const statAt = LENGTH_BYTES + length
    if (!inPlace || statAt !== this.#statAt) {
      const image = new Uint8Array(statAt + STAT_BYTES)
      image.set(this.stat, statAt)
      this.#image = image
      this.#statAt = statAt
    }
    putData(this.#image, data)
    this.#dataHash = crc32(this.#image, 0, statAt)
    putZxid(this.#image, statAt + STAT_OFFSET.MZXID, zxid)
    putMilliseconds(this.#image, statAt + STAT_OFFSET.MTIME, wallMs)
    this.#put(STAT_OFFSET.VERSION, nextVersion(this.version))
    this.#put(STAT_OFFSET.DATA_LENGTH, length)
  }

  replaceAcl(acl: AclList): void {
    this.acl = acl
    this.#put(STAT_OFFSET.AVERSION, nextVersion(this.aversion))
  }

  addChild(name: string, zxid: Zxid): void {
    this.children ??= new Set()
    this.children.add(name)
    this.creates = (this.creates + 1) | 0
    this.#childrenChanged(zxid)
  }

  /** A child that was never created: the reserved nodes. */
  plantChild(name: string, zxid: Zxid): void {
    this.linkChild(name)
    this.#childrenChanged(zxid)
  }

  removeChild(name: string, zxid: Zxid): void {
    this.unlinkChild(name)
    this.#childrenChanged(zxid)
  }

  /** Links a child that was there already: while a snapshot is loaded. */
  linkChild(name: string): void {
    this.children ??= new Set()
    this.children.add(name)
  }

  unlinkChild(name: string): void {
    this.children?.delete(name)
    if (this.children?.size === 0) this.children = undefined
  }

  /** What `restoreFigures` needs to undo any change of this node except that of its children. */
  copyFigures(): Figures {
    return { image: this.#image, stat: this.stat.slice(), creates: this.creates, acl: this.acl }
  }

  restoreFigures(before: Figures): void {
    this.#image = before.image
    this.#statAt = before.image.length - STAT_BYTES
    this.#image.set(before.stat, this.#statAt)
    this.#dataHash = crc32(before.image, 0, this.#statAt)
    this.creates = before.creates
    this.acl = before.acl
    this.listing = undefined
  }

  /** What this node adds to the digest: path, data, Stat, creates, ACL. */
  computeHash(): number {
    const figures = crc32(this.#image, this.#statAt, this.#image.length, this.#dataHash)
    return mix(mix(mix(this.#pathHash, figures), this.creates), this.acl.hash)
  }

  #childrenChanged(zxid: Zxid): void {
    const count = this.children?.size ?? 0
    this.#put(STAT_OFFSET.CVERSION, 2 * this.creates - count)
    this.#put(STAT_OFFSET.NUM_CHILDREN, count)
    putZxid(this.#image, this.#statAt + STAT_OFFSET.PZXID, zxid)
    this.listing = undefined
  }

  #after(offset: number, zxid: Zxid): boolean {
    const epoch = this.#get(offset)
    return epoch > zxid.epoch || (epoch === zxid.epoch && this.#get(offset + 4) >>> 0 > zxid.counter)
  }

  #get(offset: number): number {
    return getInt32(this.#image, this.#statAt + offset)
  }

  #put(offset: number, value: number): void {
    putInt32(this.#image, this.#statAt + offset, value)
  }
}

/** What a node was before a transaction; its data is not copied, since it is not overwritten meanwhile. */
export interface Figures {
  readonly image: Uint8Array
  readonly stat: Uint8Array
  readonly creates: number
  readonly acl: AclList
}

/** The image of a node created at `zxid`. */
export function newImage(
  data: Uint8Array | null,
  zxid: Zxid,
  wallMs: number,
  owner: SessionState | undefined,
): Uint8Array {
  const length = data === null ? 0 : data.length
  const statAt = LENGTH_BYTES + length
  const image = new Uint8Array(statAt + STAT_BYTES)
  putData(image, data)
  putZxid(image, statAt + STAT_OFFSET.CZXID, zxid)
  putZxid(image, statAt + STAT_OFFSET.MZXID, zxid)
  putZxid(image, statAt + STAT_OFFSET.PZXID, zxid)
  putMilliseconds(image, statAt + STAT_OFFSET.CTIME, wallMs)
  putMilliseconds(image, statAt + STAT_OFFSET.MTIME, wallMs)
  putInt32(image, statAt + STAT_OFFSET.DATA_LENGTH, length)
  if (owner !== undefined) {
    putInt32(image, statAt + STAT_OFFSET.EPHEMERAL_OWNER, owner.idHigh)
    putInt32(image, statAt + STAT_OFFSET.EPHEMERAL_OWNER + 4, owner.idLow)
  }
  return image
}

/** -1 means "any version" in a request, so no node ever has it. */
function nextVersion(version: number): number {
  const next = (version + 1) | 0
  return next === -1 ? 0 : next
}

function putData(image: Uint8Array, data: Uint8Array | null): void {
  putInt32(image, 0, data === null ? -1 : data.length)
  if (data !== null) image.set(data, LENGTH_BYTES)
}

function putZxid(bytes: Uint8Array, at: number, zxid: Zxid): void {
  putInt32(bytes, at, zxid.epoch)
  putInt32(bytes, at + 4, zxid.counter)
}

function putMilliseconds(bytes: Uint8Array, at: number, value: number): void {
  putInt32(bytes, at, Math.floor(value / 0x1_0000_0000))
  putInt32(bytes, at + 4, value >>> 0)
}

function putInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function getInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
