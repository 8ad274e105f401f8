import type { Node } from '../node.ts'
import type { Tree } from '../tree.ts'
import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { int, record } from '../wire/jute.ts'
import type { ReadOperation } from './operation.ts'
import { type PathRequest, pathRequest } from './requests.ts'

export interface GetAllChildrenNumberReply {
  /** Children, their children, and so on. */
  readonly total: number
}

export const getAllChildrenNumber: ReadOperation<PathRequest, GetAllChildrenNumberReply> = {
  name: 'getAllChildrenNumber',
  code: 104,
  kind: 'read',
  request: pathRequest,
  reply: record('GetAllChildrenNumberReply', { total: int }),
  errors: [ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH],
  read({ path }, tree, _context, reply) {
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.READ)) return ERROR_CODE.NO_AUTH
    reply.int32(node.path === '/' ? tree.size - 1 : countBelow(node, tree))
    return ERROR_CODE.OK
  },
}

/** With a stack of its own: a path has as many levels as fit into a packet. */
function countBelow(top: Node, tree: Tree): number {
  let count = 0
  const pending = [top]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const name of node.children ?? []) {
      count += 1
      const child = tree.get(`${node.path}/${name}`)
      if (child?.children !== undefined) pending.push(child)
    }
  }
  return count
}
