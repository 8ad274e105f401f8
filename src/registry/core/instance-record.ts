import type { Instance } from './instance.ts'
import { invalidField } from './instance-fields.ts'

/**
 * How a registration is written: one JSON object, UTF-8, the fields of `Instance` and `format`. Fields that this
 * version does not know are ignored, so that a later one can add some; what it could not read any more raises
 * `format`.
 */
export const RECORD_FORMAT: number = 1
/** Longer records are not ours: 64 metadata entries at their bound fit. */
const RECORD_BYTES_MAX = 512 * 1024

/** Why a record was not taken; a stable word for counters. */
export type IgnoredReason = 'too-large' | 'not-json' | 'unknown-format' | 'invalid-field' | 'wrong-place'

export type DecodedRecord =
  | { readonly type: 'instance'; readonly instance: Instance }
  | { readonly type: 'ignored'; readonly reason: IgnoredReason; readonly detail: string }

export function encodeInstance(instance: Instance): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: RECORD_FORMAT, ...instance }))
}

/** Reads what a node holds. Anyone can write there, so whatever is wrong with it comes back as a reason. */
export function decodeInstance(bytes: Uint8Array, place: { service: string; id: string }): DecodedRecord {
  if (bytes.length > RECORD_BYTES_MAX) return ignored('too-large', `${bytes.length} bytes`)
  const decoded = readInstance(parse(bytes))
  if (decoded.type === 'ignored') return decoded
  const { service, id } = decoded.instance
  if (service !== place.service || id !== place.id)
    return ignored('wrong-place', `says service ${service}, id ${id}`)
  return decoded
}

/** The same checks on a value that was parsed already, such as one of the cache file. */
export function readInstance(value: unknown): DecodedRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return ignored('not-json', 'not a JSON object')
  const { format, ...fields } = value as { readonly format?: unknown } & Readonly<Record<string, unknown>>
  if (format !== RECORD_FORMAT) return ignored('unknown-format', `format ${String(format).slice(0, 40)}`)
  const wrong = invalidField(fields)
  if (wrong !== undefined) return ignored('invalid-field', wrong)
  return { type: 'instance', instance: pick(fields as unknown as Instance) }
}

/** Exactly the known fields, in one order: two equal instances have equal JSON. */
export function pick(fields: Instance): Instance {
  const { id, service, host, port, version, group, weight, zone, state, registeredMs } = fields
  // fromEntries defines the keys: a forged `__proto__` becomes a plain entry.
  const metadata = Object.fromEntries(Object.entries(fields.metadata))
  return { id, service, host, port, version, group, weight, zone, state, registeredMs, metadata }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Bytes of someone else: the reason `not-json` is the report.
    return undefined
  }
}

function ignored(reason: IgnoredReason, detail: string): DecodedRecord {
  return { type: 'ignored', reason, detail }
}
