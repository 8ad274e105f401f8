import type { FenbuError } from '../../../base/index.ts'
import { rpcError } from '../errors.ts'

/** Objects that would turn into an empty `{}`: almost always a mistake, such as a forgotten `await`. */
const OPAQUE: readonly string[] = [
  '[object Promise]',
  '[object Error]',
  '[object RegExp]',
  '[object WeakMap]',
  '[object WeakSet]',
  '[object WeakRef]',
  '[object ArrayBuffer]',
  '[object SharedArrayBuffer]',
  '[object DataView]',
  '[object Generator]',
  '[object AsyncGenerator]',
]

/** An object as the record that goes on the wire: its own `toJSON()` if it has one, else its own properties. */
export function plainRecord(value: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    const toJson = (value as { toJSON?: unknown }).toJSON
    return typeof toJson === 'function' ? toJson.call(value) : value
  }
  const toJson = (value as { toJSON?: unknown }).toJSON
  if (typeof toJson === 'function') return toJson.call(value)
  const tag = Object.prototype.toString.call(value)
  if (
    OPAQUE.includes(tag) ||
    ArrayBuffer.isView(value) ||
    typeof (value as { then?: unknown }).then === 'function'
  )
    throw unencodable(`${tag.slice(8, -1)} objects have no form on the wire`)
  return value
}

export function unencodable(why: string): FenbuError {
  return rpcError(
    'RPC_VALUE_UNENCODABLE',
    `${why}; pass plain data: objects, arrays, strings, numbers, bigint, Date, Map, Set, Uint8Array`,
  )
}
