import { isValidPath } from '../path.ts'
import { type Acl, aclList, PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { int, record, ustring } from '../wire/jute.ts'
import type { WriteOperation } from './operation.ts'
import { type StatReply, statReply, versionMatches } from './requests.ts'

export interface SetAclRequest {
  readonly path: string
  readonly acl: readonly Acl[]
  /** Compared with aversion; -1 for any. */
  readonly version: number
}

/** Fires no watch and leaves mzxid alone. */
export const setAcl: WriteOperation<SetAclRequest, StatReply> = {
  name: 'setACL',
  code: 7,
  kind: 'write',
  request: record('SetACLRequest', { path: ustring, acl: aclList, version: int }),
  reply: statReply,
  errors: [
    ERROR_CODE.BAD_ARGUMENTS,
    ERROR_CODE.INVALID_ACL,
    ERROR_CODE.NO_NODE,
    ERROR_CODE.NO_AUTH,
    ERROR_CODE.BAD_VERSION,
  ],
  apply(request, { tree }, reply) {
    if (!isValidPath(request.path)) return ERROR_CODE.BAD_ARGUMENTS
    const acl = tree.acls.resolve(request.acl)
    if (acl === undefined) return ERROR_CODE.INVALID_ACL
    const node = tree.get(request.path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.ADMIN)) return ERROR_CODE.NO_AUTH
    if (!versionMatches(request.version, node.aversion)) return ERROR_CODE.BAD_VERSION
    tree.setAcl(node, acl)
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
