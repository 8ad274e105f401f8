import { ERROR_CODE } from '../wire/error-code.ts'
import { record, ustring } from '../wire/jute.ts'
import { type Stat, stat } from '../wire/stat.ts'
import { CREATE_ERRORS, type CreateRequest, create, createNode, createRequest } from './create.ts'
import type { WriteOperation } from './operation.ts'

export interface Create2Reply {
  readonly path: string
  readonly stat: Stat
}

/** Create that also answers with the Stat: its czxid is a fencing token. */
export const create2: WriteOperation<CreateRequest, Create2Reply> = {
  name: 'create2',
  code: 15,
  kind: 'write',
  partOf: 'multi',
  // ZooKeeper answers it there without the Stat.
  withinMulti: create,
  request: createRequest,
  reply: record('Create2Reply', { path: ustring, stat }),
  errors: CREATE_ERRORS,
  apply(request, transaction, reply) {
    const node = createNode(request, transaction)
    if (typeof node === 'number') return node
    ustring.write(reply, node.path)
    reply.bytes(node.stat)
    return ERROR_CODE.OK
  },
}
