import { isValidPath } from '../path.ts'
import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { buffer, int, record, ustring } from '../wire/jute.ts'
import { EVENT_TYPE } from '../wire/watch-event.ts'
import type { WriteOperation } from './operation.ts'
import { type StatReply, statReply, versionMatches } from './requests.ts'

export interface SetDataRequest {
  readonly path: string
  readonly data: Uint8Array | null
  /** -1 for any. */
  readonly version: number
}

export const setData: WriteOperation<SetDataRequest, StatReply> = {
  name: 'setData',
  code: 5,
  kind: 'write',
  partOf: 'multi',
  request: record('SetDataRequest', { path: ustring, data: buffer, version: int }),
  reply: statReply,
  errors: [ERROR_CODE.BAD_ARGUMENTS, ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH, ERROR_CODE.BAD_VERSION],
  apply({ path, data, version }, transaction, reply) {
    const { tree } = transaction
    if (!isValidPath(path)) return ERROR_CODE.BAD_ARGUMENTS
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.WRITE)) return ERROR_CODE.NO_AUTH
    if (!versionMatches(version, node.version)) return ERROR_CODE.BAD_VERSION
    tree.setData(node, data, transaction)
    transaction.changed(EVENT_TYPE.DATA_CHANGED, node)
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
