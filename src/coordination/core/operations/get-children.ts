import { ByteWriter } from '../../../bytes/index.ts'
import type { Node } from '../node.ts'
import type { Tree } from '../tree.ts'
import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE, type ErrorCode } from '../wire/error-code.ts'
import { record, ustring, vector } from '../wire/jute.ts'
import type { ReadContext, ReadOperation } from './operation.ts'
import { type PathWatchRequest, pathWatchRequest } from './requests.ts'

export interface GetChildrenReply {
  /** Names without the path, in no order. */
  readonly children: readonly string[]
}

export const getChildren: ReadOperation<PathWatchRequest, GetChildrenReply> = {
  name: 'getChildren',
  code: 8,
  kind: 'read',
  partOf: 'multiRead',
  request: pathWatchRequest,
  reply: record('GetChildrenReply', { children: vector(ustring) }),
  errors: [ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH],
  read(request, tree, context, reply) {
    const node = listedNode(request, tree, context)
    if (typeof node === 'number') return node
    reply.bytes(listing(node))
    return ERROR_CODE.OK
  },
}

/** What getChildren and getChildren2 do first: the node, or why not. */
export function listedNode(request: PathWatchRequest, tree: Tree, context: ReadContext): Node | ErrorCode {
  const node = tree.get(request.path)
  if (node === undefined) return ERROR_CODE.NO_NODE
  if (!node.acl.permits(PERMISSION.READ)) return ERROR_CODE.NO_AUTH
  if (request.watch) context.watchChildren(request.path)
  return node
}

/** The children as a vector of strings, kept until they change: lists are read far more often than they change. */
export function listing(node: Node): Uint8Array {
  if (node.children === undefined) return NO_CHILDREN
  node.listing ??= encodeNames(node.children)
  return node.listing
}

const NO_CHILDREN: Uint8Array = new Uint8Array(4)

function encodeNames(names: ReadonlySet<string>): Uint8Array {
  const writer = new ByteWriter(4 + names.size * 16)
  writer.int32(names.size)
  for (const name of names) ustring.write(writer, name)
  return writer.copyAndReset()
}
