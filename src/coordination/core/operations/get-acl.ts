import { maskedEntries } from '../acl-table.ts'
import { type Acl, aclList, PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { record } from '../wire/jute.ts'
import { type Stat, stat } from '../wire/stat.ts'
import type { ReadOperation } from './operation.ts'
import { type PathRequest, pathRequest } from './requests.ts'

export interface GetAclReply {
  readonly acl: readonly Acl[]
  readonly stat: Stat
}

export const getAcl: ReadOperation<PathRequest, GetAclReply> = {
  name: 'getACL',
  code: 6,
  kind: 'read',
  request: pathRequest,
  reply: record('GetACLReply', { acl: aclList, stat }),
  errors: [ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH],
  read({ path }, tree, _context, reply) {
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.READ | PERMISSION.ADMIN)) return ERROR_CODE.NO_AUTH
    const { entries } = node.acl
    aclList.write(reply, node.acl.permits(PERMISSION.ADMIN) ? entries : maskedEntries(entries))
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
