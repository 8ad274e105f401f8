import type { Operation } from './operation.ts'
import { type PathRequest, pathRequest } from './requests.ts'

/** Answered, with the path it was sent, once this server has applied all that was agreed when it arrived. */
export const sync: Operation<PathRequest, PathRequest> & { readonly kind: 'sync' } = {
  name: 'sync',
  code: 9,
  kind: 'sync',
  request: pathRequest,
  reply: pathRequest,
  errors: [],
}
