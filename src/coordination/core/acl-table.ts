import { hashText } from './hash.ts'
import { type Acl, ANYONE, PERMISSION } from './wire/acl.ts'

/** One list of ACL entries, shared by every node that has it. */
export class AclList {
  readonly entries: readonly Acl[]
  readonly key: string
  /** What `world:anyone` may do: the only identity a caller has until authentication exists. */
  readonly anyone: number
  readonly hash: number
  /** Nodes that have it. */
  references = 0

  constructor(entries: readonly Acl[], key: string) {
    this.entries = entries
    this.key = key
    this.anyone = entries.reduce((sum, entry) => (isAnyone(entry) ? sum | entry.permissions : sum), 0)
    this.hash = hashText(key)
  }

  permits(permission: number): boolean {
    return (this.anyone & permission) !== 0
  }
}

/** Interned ACL lists: a million nodes share a handful. */
export class AclTable {
  readonly #lists = new Map<string, AclList>()
  /** Of the lists with the one entry world:anyone, by its permissions. */
  readonly #anyone = new Map<number, AclList>()

  /** The list as a node may have it, duplicates dropped; undefined if it is not a valid one (-114). */
  resolve(entries: readonly Acl[]): AclList | undefined {
    const [first] = entries
    if (entries.length === 1 && first !== undefined && isPlain(first)) return this.#forAnyone(first)
    if (entries.length === 0 || !entries.every(isAcceptable)) return undefined
    return this.intern(entries)
  }

  /** The one object for these entries; it stays in the table once a node has it. */
  intern(entries: readonly Acl[]): AclList {
    const unique = new Map(entries.map((entry) => [aclKey(entry), entry]))
    const key = [...unique.keys()].join('\n')
    return this.#lists.get(key) ?? new AclList([...unique.values()], key)
  }

  /** What nearly every node has, found without making a key. */
  #forAnyone(entry: Acl): AclList {
    let list = this.#anyone.get(entry.permissions)
    if (list === undefined || list.references === 0) {
      list = this.intern([entry])
      this.#anyone.set(entry.permissions, list)
    }
    return list
  }

  retain(list: AclList): void {
    if (list.references === 0) this.#lists.set(list.key, list)
    list.references += 1
  }

  release(list: AclList): void {
    list.references -= 1
    if (list.references === 0) this.#lists.delete(list.key)
  }

  get size(): number {
    return this.#lists.size
  }
}

function aclKey(entry: Acl): string {
  return JSON.stringify([entry.permissions, entry.id.scheme, entry.id.id])
}

function isAnyone(entry: Acl): boolean {
  return entry.id.scheme === ANYONE.scheme && entry.id.id === ANYONE.id
}

/** For anyone, and of the permissions that there are: so of 32 kinds. */
function isPlain(entry: Acl): boolean {
  return isAnyone(entry) && (entry.permissions & ~PERMISSION.ALL) === 0
}

/**
 * `auth` stands for the caller's own identities, and it has none. A digest is `user:hash`. Other schemes need a
 * provider that is not there.
 */
function isAcceptable(entry: Acl): boolean {
  return isAnyone(entry) || (entry.id.scheme === 'digest' && hasTwoParts(entry.id.id))
}

/** Two parts at the colons, where empty parts at the end do not count. */
function hasTwoParts(text: string): boolean {
  const parts = text.split(':')
  while (parts.length > 0 && parts.at(-1) === '') parts.pop()
  return parts.length === 2
}

/** What someone without ADMIN is shown: the hash of a digest is masked. */
export function maskedEntries(entries: readonly Acl[]): readonly Acl[] {
  return entries.map((entry) =>
    entry.id.scheme === 'digest'
      ? { ...entry, id: { scheme: 'digest', id: `${entry.id.id.split(':')[0]}:x` } }
      : entry,
  )
}
