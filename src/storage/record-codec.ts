import { ByteReader, type ByteWriter } from '../bytes/index.ts'
import { storageError } from './errors.ts'

// The records of a batch, one after another. Each starts with its type (1 byte), the length of the stream's name
// (1 byte) and the name in UTF-8; then, with `counter` = 8 bytes and `varint` = LEB128:
//
//   1 append           counter first index, uint32 count, count x (varint length, bytes)
//   2 copy             the same: records moved here from an older segment
//   3 truncate-suffix  counter index: later records are withdrawn
//   4 truncate-prefix  counter index: this and earlier records are no longer needed
//   5 state            varint length, bytes: replaces the stream's state
//   6 drop             nothing: the stream and all it had is gone

const STREAM_NAME_BYTES_MAX = 255

const TYPES = {
  append: 1,
  copy: 2,
  'truncate-suffix': 3,
  'truncate-prefix': 4,
  state: 5,
  drop: 6,
} as const
const COUNT_BYTES = 4
/** A varint of 32 bits. */
const LENGTH_BYTES_MAX = 5

/** What recovery keeps of a record, and what a batch that became durable tells the index: not the data itself. */
export type LogRecord =
  | {
      readonly type: 'append' | 'copy'
      readonly stream: string
      readonly first: number
      readonly count: number
      /** Where its first item starts in the batch, and the bytes of its items. */
      readonly at: number
      readonly bytes: number
    }
  | { readonly type: 'truncate-suffix' | 'truncate-prefix'; readonly stream: string; readonly index: number }
  | { readonly type: 'state'; readonly stream: string; readonly state: Uint8Array }
  | { readonly type: 'drop'; readonly stream: string }

/** A stream's name as it stands in every record; made once per stream. */
export function encodeStreamName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name)
  if (bytes.length === 0 || bytes.length > STREAM_NAME_BYTES_MAX)
    throw storageError(
      'STORAGE_TOO_LARGE',
      `the name of a stream is ${bytes.length} bytes long; allowed: 1 to ${STREAM_NAME_BYTES_MAX}`,
    )
  return bytes
}

/** Begins an `append` or `copy`; items follow by `writeItem`, then `endRecords` with the position returned here. */
export function beginRecords(
  writer: ByteWriter,
  type: 'append' | 'copy',
  name: Uint8Array,
  first: number,
): number {
  writeType(writer, type, name)
  writer.counter(first)
  writer.uint32(0)
  return writer.length
}

export function writeItem(writer: ByteWriter, item: Uint8Array): void {
  writer.varint(item.length)
  writer.bytes(item)
}

export function endRecords(writer: ByteWriter, at: number, count: number): void {
  writer.setUint32At(at - COUNT_BYTES, count)
}

export function writeTruncation(
  writer: ByteWriter,
  type: 'truncate-suffix' | 'truncate-prefix',
  name: Uint8Array,
  index: number,
): void {
  writeType(writer, type, name)
  writer.counter(index)
}

export function writeState(writer: ByteWriter, name: Uint8Array, state: Uint8Array): void {
  writeType(writer, 'state', name)
  writeItem(writer, state)
}

export function writeDrop(writer: ByteWriter, name: Uint8Array): void {
  writeType(writer, 'drop', name)
}

/** More than any record of these items takes on disk: for bounds, before anything is encoded. */
export function recordBytesAtMost(name: Uint8Array, items: readonly Uint8Array[]): number {
  let bytes = name.length + 2 + 8 + COUNT_BYTES
  for (const item of items) bytes += itemBytesAtMost(item)
  return bytes
}

export function itemBytesAtMost(item: Uint8Array): number {
  return item.length + LENGTH_BYTES_MAX
}

/**
 * Reads `count` records that start at `start` in `batch`. Throws a `BYTES_…` error if they are not records: after
 * a matching CRC that means a bug or a hostile disk, never a torn write.
 */
export function decodeRecords(batch: Uint8Array, start: number, end: number, count: number): LogRecord[] {
  const reader = new ByteReader(batch, start, end)
  const records: LogRecord[] = []
  for (let i = 0; i < count; i++) records.push(decodeRecord(reader))
  reader.finish()
  return records
}

/** The items `from` to `to` of an `append` or `copy` whose first item, of index `first`, starts at `at`. */
export function decodeItems(
  batch: Uint8Array,
  at: number,
  first: number,
  from: number,
  to: number,
): Uint8Array[] {
  const reader = new ByteReader(batch, at)
  const items: Uint8Array[] = []
  for (let index = first; index <= to; index++) {
    const item = reader.bytes(reader.varint())
    if (index >= from) items.push(item)
  }
  return items
}

function decodeRecord(reader: ByteReader): LogRecord {
  const type = reader.uint8()
  const stream = reader.utf8(reader.uint8())
  switch (type) {
    case TYPES.append:
      return decodeRun(reader, 'append', stream)
    case TYPES.copy:
      return decodeRun(reader, 'copy', stream)
    case TYPES['truncate-suffix']:
      return { type: 'truncate-suffix', stream, index: reader.counter() }
    case TYPES['truncate-prefix']:
      return { type: 'truncate-prefix', stream, index: reader.counter() }
    case TYPES.state:
      return { type: 'state', stream, state: reader.bytes(reader.varint()).slice() }
    case TYPES.drop:
      return { type: 'drop', stream }
    default:
      throw storageError('STORAGE_VERSION', `a record of type ${type}, which this fenbu does not know`)
  }
}

function decodeRun(reader: ByteReader, type: 'append' | 'copy', stream: string): LogRecord {
  const first = reader.counter()
  const count = reader.uint32()
  const at = reader.offset
  for (let i = 0; i < count; i++) reader.skip(reader.varint())
  return { type, stream, first, count, at, bytes: reader.offset - at }
}

function writeType(writer: ByteWriter, type: keyof typeof TYPES, name: Uint8Array): void {
  writer.uint8(TYPES[type])
  writer.uint8(name.length)
  writer.bytes(name)
}
