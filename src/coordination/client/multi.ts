import { FenbuError, invalidOption, type Outcome } from '../../base/index.ts'
import {
  ANY_VERSION,
  type CoordinationErrorCode,
  coordinationError,
  ERROR_CODE,
  errorCodeName,
  type MultiPart,
  OPEN_ACL,
  replyError,
  type MultiResult as WireResult,
  type Stat as WireStat,
  type WriteOperation,
  operations as wire,
} from '../core/index.ts'
import type { MultiError, MultiOperation, MultiResult } from './client.ts'
import { createFlags, toStat } from './replies.ts'

type WirePart = MultiPart<WriteOperation<unknown, unknown>>

/** One operation as it is sent; `inside` puts the chroot in front of its path. */
export function multiPart(operation: MultiOperation, inside: (path: string) => string): WirePart {
  const path = inside(operation.path)
  switch (operation.type) {
    case 'create': {
      const flags = createFlags('multi', operation.mode)
      return { operation: wire.create2, request: { path, data: operation.data, acl: OPEN_ACL, flags } }
    }
    case 'delete':
      return { operation: wire.deleteNode, request: { path, version: operation.version ?? ANY_VERSION } }
    case 'set':
      return {
        operation: wire.setData,
        request: { path, data: operation.data, version: operation.version ?? ANY_VERSION },
      }
    case 'check':
      return { operation: wire.check, request: { path, version: operation.version } }
    default:
      throw invalidOption(
        'multi',
        'type',
        (operation as { type: unknown }).type,
        'create, delete, set, check',
      )
  }
}

/** The results in the order of the operations; throws the error of the one that failed. */
export function multiResults(
  operations: readonly MultiOperation[],
  results: readonly WireResult[],
  outside: (path: string) => string,
): readonly MultiResult[] {
  if (results.length !== operations.length)
    throw coordinationError(
      'COORDINATION_PROTOCOL_VIOLATION',
      `multi: ${results.length} results for ${operations.length} operations`,
    )
  const failed = results.findIndex((result) => result.operation === undefined && isCause(result.error))
  if (failed >= 0) throw multiError(operations, failed, results[failed]!.error)
  return results.map((result, index) => multiResult(operations[index]!.type, result.reply, outside))
}

function isCause(error: number): boolean {
  return error !== ERROR_CODE.OK && error !== ERROR_CODE.RUNTIME_INCONSISTENCY
}

function multiResult(
  type: MultiOperation['type'],
  reply: unknown,
  outside: (path: string) => string,
): MultiResult {
  if (type === 'create') {
    const { path, stat } = reply as { readonly path: string; readonly stat?: WireStat }
    return { type, path: outside(path), stat: stat && toStat(stat) }
  }
  if (type === 'set') return { type, stat: toStat((reply as { readonly stat: WireStat }).stat) }
  return { type }
}

class FailedMulti extends FenbuError<CoordinationErrorCode> implements MultiError {
  readonly index: number

  constructor(code: CoordinationErrorCode, outcome: Outcome, message: string, index: number) {
    super(code, outcome, message)
    this.index = index
  }
}

function multiError(operations: readonly MultiOperation[], index: number, error: number): MultiError {
  const { type, path } = operations[index]!
  const { message } = replyError(error, `multi, operation ${index} (${type} ${path})`)
  return new FailedMulti(errorCodeName(error), 'not-executed', message, index)
}
