import { isValidPath } from '../path.ts'
import { PERMISSION } from '../wire/acl.ts'
import { ERROR_CODE } from '../wire/error-code.ts'
import { int, nothing, record, ustring } from '../wire/jute.ts'
import type { WriteOperation } from './operation.ts'
import { versionMatches } from './requests.ts'

export interface CheckRequest {
  readonly path: string
  /** -1 for any: then only that the node exists. */
  readonly version: number
}

/** A condition of a multi. Alone it goes through the log too, and changes nothing. */
export const check: WriteOperation<CheckRequest, undefined> = {
  name: 'check',
  code: 13,
  kind: 'write',
  partOf: 'multi',
  request: record('CheckRequest', { path: ustring, version: int }),
  reply: nothing,
  errors: [ERROR_CODE.BAD_ARGUMENTS, ERROR_CODE.NO_NODE, ERROR_CODE.NO_AUTH, ERROR_CODE.BAD_VERSION],
  apply({ path, version }, { tree }) {
    if (!isValidPath(path)) return ERROR_CODE.BAD_ARGUMENTS
    const node = tree.get(path)
    if (node === undefined) return ERROR_CODE.NO_NODE
    if (!node.acl.permits(PERMISSION.READ)) return ERROR_CODE.NO_AUTH
    return versionMatches(version, node.version) ? ERROR_CODE.OK : ERROR_CODE.BAD_VERSION
  },
}
