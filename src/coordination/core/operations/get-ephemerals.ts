import { ERROR_CODE } from '../wire/error-code.ts'
import { nullableString, record, ustring, vector } from '../wire/jute.ts'
import type { ReadOperation } from './operation.ts'

export interface GetEphemeralsRequest {
  /** Beginning of the paths wanted, as text; null, blank or `/` for all. */
  readonly prefix: string | null
}

export interface GetEphemeralsReply {
  readonly paths: readonly string[]
}

/** The caller's own ephemeral nodes. */
export const getEphemerals: ReadOperation<GetEphemeralsRequest, GetEphemeralsReply> = {
  name: 'getEphemerals',
  code: 103,
  kind: 'read',
  request: record('GetEphemeralsRequest', { prefix: nullableString }),
  reply: record('GetEphemeralsReply', { paths: vector(ustring) }),
  errors: [],
  read({ prefix }, _tree, { session }, reply) {
    const start = prefix === null || prefix.trim() === '' ? '/' : prefix
    const at = reply.length
    let count = 0
    reply.int32(0)
    for (const path of session.ephemerals) {
      if (!path.startsWith(start)) continue
      ustring.write(reply, path)
      count += 1
    }
    reply.setInt32At(at, count)
    return ERROR_CODE.OK
  },
}
