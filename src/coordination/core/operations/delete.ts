import { parentPath, RESERVED_PATHS } from '../path.ts'
import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { int, nothing, record, ustring } from '../wire/jute.ts'
import { EVENT_TYPE } from '../wire/watch-event.ts'
import type { WriteOperation } from './operation.ts'
import { versionMatches } from './requests.ts'

export interface DeleteRequest {
  readonly path: string
  /** -1 for any. */
  readonly version: number
}

export const deleteNode: WriteOperation<DeleteRequest, undefined> = {
  name: 'delete',
  code: 2,
  kind: 'write',
  partOf: 'multi',
  request: record('DeleteRequest', { path: ustring, version: int }),
  reply: nothing,
  errors: [
    ERROR_CODE.BAD_ARGUMENTS,
    ERROR_CODE.NO_NODE,
    ERROR_CODE.NO_AUTH,
    ERROR_CODE.BAD_VERSION,
    ERROR_CODE.NOT_EMPTY,
  ],
  apply({ path, version }, transaction) {
    const { tree } = transaction
    const above = parentPath(path)
    if (above === undefined || path.includes('\0') || RESERVED_PATHS.has(path))
      return ERROR_CODE.BAD_ARGUMENTS
    const parent = tree.get(above)
    if (parent === undefined) return ERROR_CODE.NO_NODE
    if (!parent.acl.permits(PERMISSION.DELETE)) return ERROR_CODE.NO_AUTH
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!versionMatches(version, node.version)) return ERROR_CODE.BAD_VERSION
    if (node.children !== undefined) return ERROR_CODE.NOT_EMPTY
    tree.delete(node, transaction)
    transaction.changed(EVENT_TYPE.DELETED, node, parent)
    return ERROR_CODE.OK
  },
}
