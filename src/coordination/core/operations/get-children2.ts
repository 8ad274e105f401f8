import { ERROR_CODE } from '../wire/error-code.ts'
import { record, ustring, vector } from '../wire/jute.ts'
import { type Stat, stat } from '../wire/stat.ts'
import { listedNode, listing } from './get-children.ts'
import type { ReadOperation } from './operation.ts'
import { type PathWatchRequest, pathWatchRequest } from './requests.ts'

export interface GetChildren2Reply {
  readonly children: readonly string[]
  /** Of the parent. */
  readonly stat: Stat
}

export const getChildren2: ReadOperation<PathWatchRequest, GetChildren2Reply> = {
  name: 'getChildren2',
  code: 12,
  kind: 'read',
  request: pathWatchRequest,
  reply: record('GetChildren2Reply', { children: vector(ustring), stat }),
  errors: [ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH],
  read(request, tree, context, reply) {
    const node = listedNode(request, tree, context)
    if (typeof node === 'number') return node
    reply.bytes(listing(node))
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
