import type { FenbuError } from '../../base/index.ts'
import { rpcError } from './errors.ts'
import type { FrameFields } from './frames.ts'
import type { ProvidedMethod, ServiceTable } from './service-table.ts'
import { VersionRange } from './version-range.ts'

/** Methods that one connection may name; texts of the peer are kept for each. */
export const DEFINITIONS_MAX = 1024

interface Definition {
  readonly fields: FrameFields<'DEFINE'>
  /** The table's revision that `method` was looked up in. */
  revision: number
  method: ProvidedMethod | undefined
}

/** Method ids of one connection: names travel once, then two bytes stand for them. */
export class Definitions {
  readonly #table: ServiceTable
  readonly #definitions: Definition[] = []

  constructor(table: ServiceTable) {
    this.#table = table
  }

  /** Ids come in order from 0. Throws what closes the connection. */
  define(fields: FrameFields<'DEFINE'>): void {
    if (fields.methodId !== this.#definitions.length)
      throw rpcError(
        'RPC_PROTOCOL_VIOLATION',
        `DEFINE ${fields.methodId} where ${this.#definitions.length} is next`,
      )
    if (this.#definitions.length >= DEFINITIONS_MAX)
      throw rpcError('RPC_DEFINITION_LIMIT', `more than ${DEFINITIONS_MAX} definitions on one connection`)
    this.#definitions.push({ fields, revision: -1, method: undefined })
  }

  /** The method behind an id. Throws `RPC_NO_SUCH_SERVICE` or `RPC_NO_SUCH_METHOD`. */
  resolve(methodId: number): ProvidedMethod {
    const definition = this.#definitions[methodId]
    if (definition === undefined)
      throw rpcError('RPC_PROTOCOL_VIOLATION', `CALL of method id ${methodId}, which was not defined`)
    if (definition.revision !== this.#table.revision) {
      definition.method = lookUp(this.#table, definition.fields)
      definition.revision = this.#table.revision
    }
    if (definition.method === undefined) throw unknownMethod(this.#table, definition.fields)
    return definition.method
  }
}

function lookUp(table: ServiceTable, fields: FrameFields<'DEFINE'>): ProvidedMethod | undefined {
  const range = VersionRange.tryParse(fields.version)
  return range && table.find(fields.service, fields.group, range)?.methods.get(fields.method)
}

function unknownMethod(table: ServiceTable, fields: FrameFields<'DEFINE'>): FenbuError {
  const { service, group, version, method } = fields
  const range = VersionRange.tryParse(version)
  if (range && table.find(service, group, range))
    return rpcError('RPC_NO_SUCH_METHOD', `service ${service} has no remote method ${JSON.stringify(method)}`)
  return rpcError(
    'RPC_NO_SUCH_SERVICE',
    `no service ${JSON.stringify(service)} ${version} in group ${JSON.stringify(group)} here; there is ${table.describe(service)}`,
  )
}
