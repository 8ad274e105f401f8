import { int, type JuteRecord, type JuteVector, record, ustring, vector } from './jute.ts'

/** What an ACL entry may allow; bits that add up. */
export const PERMISSION = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const

/** Whom it allows: `world:anyone`, `digest:user:hash`, `ip:10.0.0.0/8`. */
export interface Id {
  readonly scheme: string
  readonly id: string
}

export interface Acl {
  readonly permissions: number
  readonly id: Id
}

export const id: JuteRecord<Id> = record('Id', { scheme: ustring, id: ustring })

export const acl: JuteRecord<Acl> = record('ACL', { permissions: int, id })

export const aclList: JuteVector<Acl> = vector(acl)

export const ANYONE: Id = { scheme: 'world', id: 'anyone' }

/** Everyone may do everything: the usual list. */
export const OPEN_ACL: readonly Acl[] = [{ permissions: PERMISSION.ALL, id: ANYONE }]

export const READ_ACL: readonly Acl[] = [{ permissions: PERMISSION.READ, id: ANYONE }]
