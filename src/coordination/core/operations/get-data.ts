import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import type { ReadOperation } from './operation.ts'
import { type DataReply, dataReply, type PathWatchRequest, pathWatchRequest } from './requests.ts'

export const getData: ReadOperation<PathWatchRequest, DataReply> = {
  name: 'getData',
  code: 4,
  kind: 'read',
  partOf: 'multiRead',
  request: pathWatchRequest,
  reply: dataReply,
  errors: [ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH],
  read({ path, watch }, tree, context, reply) {
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.READ)) return ERROR_CODE.NO_AUTH
    if (watch) context.watchData(path)
    reply.bytes(node.image)
    return ERROR_CODE.OK
  },
}
