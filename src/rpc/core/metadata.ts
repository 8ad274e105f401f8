import { FenbuError } from '../../base/index.ts'
import { ByteReader, ByteWriter } from '../../bytes/index.ts'
import { rpcError } from './errors.ts'

/** Short texts that travel beside the arguments: trace context, tenant, locale. */
export type Metadata = Readonly<Record<string, string>>

export const METADATA_BYTES_MAX: number = 8 * 1024
export const METADATA_ENTRIES_MAX = 64

/** What a handler's own calls carry on without being told (W3C Trace Context and Baggage). */
export const INHERITED_KEYS: readonly string[] = ['traceparent', 'tracestate', 'baggage']

/** Where a caller's name for one piece of work travels. */
export const IDEMPOTENCY_KEY = 'idempotency-key'

export const NO_METADATA: Metadata = Object.freeze(Object.create(null) as Record<string, string>)
const NO_BYTES = new Uint8Array(0)

/** u8 count, then for each entry a key (u8 length) and a value (u16 length), UTF-8; nothing at all for no entry. */
export function encodeMetadata(metadata: Metadata): Uint8Array {
  const entries = Object.entries(metadata)
  if (entries.length === 0) return NO_BYTES
  if (entries.length > METADATA_ENTRIES_MAX)
    throw invalid(`${entries.length} entries; at most ${METADATA_ENTRIES_MAX}`)
  const writer = new ByteWriter()
  writer.uint8(entries.length)
  for (const [key, value] of entries) encodeEntry(writer, key, value)
  if (writer.length > METADATA_BYTES_MAX)
    throw invalid(`${writer.length} bytes; at most ${METADATA_BYTES_MAX}`)
  return writer.copyAndReset()
}

function encodeEntry(writer: ByteWriter, key: string, value: unknown): void {
  if (typeof value !== 'string')
    throw invalid(`the value of ${JSON.stringify(key)} is a ${typeof value}, not a text`)
  if (key.length === 0 || key === '__proto__') throw invalid(`a key ${JSON.stringify(key)}`)
  if (key.length > METADATA_BYTES_MAX || value.length > METADATA_BYTES_MAX)
    throw invalid(`an entry above ${METADATA_BYTES_MAX} bytes`)
  const at = writer.length
  writer.uint8(0)
  const keyBytes = writer.utf8(key)
  if (keyBytes > 0xff) throw invalid(`a key of ${keyBytes} bytes; at most 255`)
  writer.setUint8At(at, keyBytes)
  const valueAt = writer.length
  writer.uint16(0)
  const valueBytes = writer.utf8(value)
  if (valueBytes > METADATA_BYTES_MAX) throw invalid(`a value of ${valueBytes} bytes`)
  writer.setUint8At(valueAt, valueBytes >> 8)
  writer.setUint8At(valueAt + 1, valueBytes & 0xff)
}

/** The entries as an object without a prototype. Throws `RPC_METADATA_INVALID`. */
export function decodeMetadata(bytes: Uint8Array): Metadata {
  if (bytes.length === 0) return NO_METADATA
  if (bytes.length > METADATA_BYTES_MAX) throw invalid(`${bytes.length} bytes; at most ${METADATA_BYTES_MAX}`)
  const metadata: Record<string, string> = Object.create(null)
  try {
    const reader = new ByteReader(bytes)
    const count = reader.uint8()
    if (count === 0 || count > METADATA_ENTRIES_MAX)
      throw invalid(`${count} entries; 1 to ${METADATA_ENTRIES_MAX}`)
    for (let i = 0; i < count; i++) {
      const key = reader.utf8(reader.uint8())
      if (key.length === 0 || key === '__proto__' || key in metadata)
        throw invalid(`a key ${JSON.stringify(key)}`)
      metadata[key] = reader.utf8(reader.uint16())
    }
    reader.finish()
  } catch (cause) {
    if (cause instanceof FenbuError && cause.code.startsWith('BYTES_')) throw invalid(cause.message)
    throw cause
  }
  return metadata
}

/** The trace context of a call that is being handled, for the calls made on its behalf. */
export function inheritedMetadata(metadata: Metadata): Metadata {
  if (metadata === NO_METADATA) return NO_METADATA
  const inherited: Record<string, string> = Object.create(null)
  let some = false
  for (const key of INHERITED_KEYS) {
    const value = metadata[key]
    if (value === undefined) continue
    inherited[key] = value
    some = true
  }
  return some ? inherited : NO_METADATA
}

function invalid(what: string): FenbuError {
  return rpcError('RPC_METADATA_INVALID', `metadata: ${what}`)
}
