import * as operations from './index.ts'
import type { AnyOperation } from './operation.ts'

/** Every operation this code knows. */
export const OPERATIONS: readonly AnyOperation[] = Object.values(operations)

const byCode: ReadonlyMap<number, AnyOperation> = new Map(OPERATIONS.map((each) => [each.code, each]))

/** The operation of a RequestHeader's type; undefined is answered with `UNIMPLEMENTED` and closes the connection. */
export function operationByCode(code: number): AnyOperation | undefined {
  return byCode.get(code)
}
