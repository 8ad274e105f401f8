import { nothing } from '../wire/jute.ts'
import type { Operation } from './operation.ts'

/** Ends the session and its ephemerals in one transaction; the connection is closed after the reply. */
export const closeSession: Operation<undefined, undefined> & { readonly kind: 'close' } = {
  name: 'closeSession',
  code: -11,
  kind: 'close',
  request: nothing,
  reply: nothing,
  errors: [],
}
