import type { Node } from '../node.ts'
import { isValidPath, parentPath, sequenceSuffix } from '../path.ts'
import { type Acl, aclList, PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE, type ErrorCode } from '../wire/error-code.ts'
import { buffer, int, type JuteRecord, record, ustring } from '../wire/jute.ts'
import { EVENT_TYPE } from '../wire/watch-event.ts'
import type { Transaction, WriteOperation } from './operation.ts'

/** The `flags` of a create. Only the first four can be created. */
export const CREATE_FLAGS = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  PERSISTENT_SEQUENTIAL: 2,
  EPHEMERAL_SEQUENTIAL: 3,
  CONTAINER: 4,
  TTL: 5,
  TTL_SEQUENTIAL: 6,
} as const

export interface CreateRequest {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[]
  readonly flags: number
}

export interface CreateReply {
  /** As created: with the number of a sequential node. */
  readonly path: string
}

export const createRequest: JuteRecord<CreateRequest> = record('CreateRequest', {
  path: ustring,
  data: buffer,
  acl: aclList,
  flags: int,
})

export const CREATE_ERRORS: readonly ErrorCode[] = [
  ERROR_CODE.UNIMPLEMENTED,
  ERROR_CODE.BAD_ARGUMENTS,
  ERROR_CODE.INVALID_ACL,
  ERROR_CODE.NO_NODE,
  ERROR_CODE.NO_AUTH,
  ERROR_CODE.NODE_EXISTS,
  ERROR_CODE.NO_CHILDREN_FOR_EPHEMERALS,
]

export const create: WriteOperation<CreateRequest, CreateReply> = {
  name: 'create',
  code: 1,
  kind: 'write',
  partOf: 'multi',
  request: createRequest,
  reply: record('CreateReply', { path: ustring }),
  errors: CREATE_ERRORS,
  apply(request, transaction, reply) {
    const node = createNode(request, transaction)
    if (typeof node === 'number') return node
    ustring.write(reply, node.path)
    return ERROR_CODE.OK
  },
}

/** What create and create2 do: the node, or why not. */
export function createNode(request: CreateRequest, transaction: Transaction): Node | ErrorCode {
  const { flags } = request
  const { tree } = transaction
  const refusal = refusedFlags(flags)
  if (refusal !== undefined) return refusal
  const above = parentPath(request.path)
  if (above === undefined || request.path.includes('\0')) return ERROR_CODE.BAD_ARGUMENTS
  const acl = tree.acls.resolve(request.acl)
  if (acl === undefined) return ERROR_CODE.INVALID_ACL
  const parent = tree.get(above)
  if (parent === undefined) return ERROR_CODE.NO_NODE
  if (!parent.acl.permits(PERMISSION.CREATE)) return ERROR_CODE.NO_AUTH
  const path = isSequential(flags) ? request.path + sequenceSuffix(parent.creates) : request.path
  if (!isValidPath(path)) return ERROR_CODE.BAD_ARGUMENTS
  if (tree.get(path) !== undefined) return ERROR_CODE.NODE_EXISTS
  if (parent.owner !== undefined) return ERROR_CODE.NO_CHILDREN_FOR_EPHEMERALS
  const owner = isEphemeral(flags) ? transaction.session : undefined
  const node = tree.create(path, parent, request.data, acl, owner, transaction)
  transaction.changed(EVENT_TYPE.CREATED, node, parent)
  return node
}

/** Containers and TTL nodes are off: a container's flag is not known, a TTL's is known and not enabled. */
function refusedFlags(flags: number): ErrorCode | undefined {
  if (flags >= CREATE_FLAGS.PERSISTENT && flags <= CREATE_FLAGS.EPHEMERAL_SEQUENTIAL) return undefined
  return flags === CREATE_FLAGS.TTL || flags === CREATE_FLAGS.TTL_SEQUENTIAL
    ? ERROR_CODE.UNIMPLEMENTED
    : ERROR_CODE.BAD_ARGUMENTS
}

function isSequential(flags: number): boolean {
  return (flags & CREATE_FLAGS.PERSISTENT_SEQUENTIAL) !== 0
}

function isEphemeral(flags: number): boolean {
  return (flags & CREATE_FLAGS.EPHEMERAL) !== 0
}
