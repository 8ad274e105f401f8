import { ERROR_CODE } from '../wire/error-code.ts'
import type { ReadOperation } from './operation.ts'
import { type PathWatchRequest, pathWatchRequest, type StatReply, statReply } from './requests.ts'

/** Needs no permission, as in ZooKeeper 3.8. */
export const exists: ReadOperation<PathWatchRequest, StatReply> = {
  name: 'exists',
  code: 3,
  kind: 'read',
  request: pathWatchRequest,
  reply: statReply,
  errors: [ERROR_CODE.BAD_ARGUMENTS, ERROR_CODE.NO_NODE],
  read({ path, watch }, tree, context, reply) {
    const node = tree.get(path)
    if (node === undefined && path.includes('\0')) return ERROR_CODE.BAD_ARGUMENTS
    // Set also where there is no node: it then fires when the node is created.
    if (watch) context.watchData(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
