import { int, type JuteRecord, long, record } from './jute.ts'

/** A node's figures as clients see them: 68 bytes. */
export interface Stat {
  /** Transaction that created the node: strictly rising over all nodes. */
  readonly czxid: bigint
  /** Transaction of the last change of its data. */
  readonly mzxid: bigint
  /** Creation, ms since 1970 on the leader's wall clock; for display. */
  readonly ctime: bigint
  readonly mtime: bigint
  /** Changes of the data; skips -1, which means "any" in a request. */
  readonly version: number
  /** 2 · (children ever created) − (children now). */
  readonly cversion: number
  /** Changes of the ACL. */
  readonly aversion: number
  /** Session that the node ends with; 0 for a node that stays. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  /** Transaction of the last creation or deletion of a child. */
  readonly pzxid: bigint
}

export const stat: JuteRecord<Stat> = record('Stat', {
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
})

export const STAT_BYTES = 68

/** Where each field of a serialized Stat begins: nodes keep theirs in this form. */
export const STAT_OFFSET = {
  CZXID: 0,
  MZXID: 8,
  CTIME: 16,
  MTIME: 24,
  VERSION: 32,
  CVERSION: 36,
  AVERSION: 40,
  EPHEMERAL_OWNER: 44,
  DATA_LENGTH: 52,
  NUM_CHILDREN: 56,
  PZXID: 60,
} as const
