import { ERROR_CODE } from '../wire/error-code.ts'
import { buffer, int, nothing, record, ustring } from '../wire/jute.ts'
import type { Operation } from './operation.ts'

export interface AuthRequest {
  /** Always 0. */
  readonly type: number
  readonly scheme: string
  readonly credentials: Uint8Array | null
}

/** Adds an identity to the connection; its xid is always -4, and so is its reply's, with zxid 0. */
export const auth: Operation<AuthRequest, undefined> & { readonly kind: 'auth' } = {
  name: 'auth',
  code: 100,
  kind: 'auth',
  request: record('AuthRequest', { type: int, scheme: ustring, credentials: buffer }),
  reply: nothing,
  errors: [ERROR_CODE.AUTH_FAILED],
}
