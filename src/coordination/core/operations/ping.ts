import { nothing } from '../wire/jute.ts'
import type { Operation } from './operation.ts'

/** Keeps the session alive; its xid is always -2. */
export const ping: Operation<undefined, undefined> & { readonly kind: 'ping' } = {
  name: 'ping',
  code: 11,
  kind: 'ping',
  request: nothing,
  reply: nothing,
  errors: [],
}
