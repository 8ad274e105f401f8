import { type ByteReader, type ByteWriter, bytesError } from '../../../bytes/index.ts'

/**
 * One type of ZooKeeper's wire format (jute): big-endian, no tags, fields in order. `read` throws a `BYTES_…`
 * error on anything malformed; what it returns may share memory with the reader's buffer.
 */
export interface JuteType<Value> {
  readonly name: string
  /** The fewest bytes a value can take: bounds the items that a vector may claim to hold. */
  readonly minBytes: number
  read(reader: ByteReader): Value
  write(writer: ByteWriter, value: Value): void
}

/** A record: its fields in order, read and written from the same table. */
export interface JuteRecord<Value> extends JuteType<Value> {
  readonly fields: JuteFields<Value>
}

/** A list of values of one type. */
export interface JuteVector<Item> extends JuteType<readonly Item[]> {
  readonly item: JuteType<Item>
}

export type JuteFields<Value> = { readonly [Name in keyof Value]-?: JuteType<Value[Name]> }

/** The record whose fields are the keys of `fields`, in their order. */
export function record<Value extends object>(name: string, fields: JuteFields<Value>): JuteRecord<Value> {
  const columns = Object.entries(fields) as [keyof Value, JuteType<unknown>][]
  return {
    name,
    fields,
    minBytes: columns.reduce((sum, [, type]) => sum + type.minBytes, 0),
    read(reader) {
      const value = {} as Value
      for (const [field, type] of columns) value[field] = type.read(reader) as Value[keyof Value]
      return value
    },
    write(writer, value) {
      for (const [field, type] of columns) type.write(writer, value[field])
    },
  }
}

/** A record without fields: the body of a ping, of a delete's reply. */
export const nothing: JuteType<undefined> = {
  name: 'nothing',
  minBytes: 0,
  read: () => undefined,
  write: () => {},
}

export const boolean: JuteType<boolean> = {
  name: 'boolean',
  minBytes: 1,
  read: (reader) => reader.boolean(),
  write: (writer, value) => writer.boolean(value),
}

export const int: JuteType<number> = {
  name: 'int',
  minBytes: 4,
  read: (reader) => reader.int32(),
  write: (writer, value) => writer.int32(value),
}

/** Signed 64 bits. */
export const long: JuteType<bigint> = {
  name: 'long',
  minBytes: 8,
  read: (reader) => reader.int64(),
  write: (writer, value) => writer.int64(value),
}

/** Text: int32 byte length, UTF-8. The null string (length -1) is refused. */
export const ustring: JuteType<string> = {
  name: 'ustring',
  minBytes: 4,
  read(reader) {
    const length = reader.int32()
    if (length === -1) throw bytesError('BYTES_INVALID', `null string before byte ${reader.offset}`)
    return reader.utf8(length)
  },
  write(writer, value) {
    const at = writer.length
    writer.int32(0)
    writer.setInt32At(at, writer.utf8(value))
  },
}

/** Text or the null string. */
export const nullableString: JuteType<string | null> = {
  name: 'nullable ustring',
  minBytes: 4,
  read(reader) {
    const length = reader.int32()
    return length === -1 ? null : reader.utf8(length)
  },
  write(writer, value) {
    if (value === null) writer.int32(-1)
    else ustring.write(writer, value)
  },
}

/** Bytes: int32 length, then the bytes; null is length -1 and survives in a node. Shares the reader's memory. */
export const buffer: JuteType<Uint8Array | null> = {
  name: 'buffer',
  minBytes: 4,
  read(reader) {
    const length = reader.int32()
    return length === -1 ? null : reader.bytes(length)
  },
  write(writer, value) {
    if (value === null) writer.int32(-1)
    else {
      writer.int32(value.length)
      writer.bytes(value)
    }
  },
}

/** int32 count, then the items; null (count -1) reads as empty. A count the bytes cannot hold is refused first. */
export function vector<Item>(item: JuteType<Item>): JuteVector<Item> {
  return {
    name: `vector<${item.name}>`,
    item,
    minBytes: 4,
    read(reader) {
      const count = reader.int32()
      if (count === -1) return []
      if (count < 0 || count * item.minBytes > reader.remaining)
        throw bytesError(
          'BYTES_TRUNCATED',
          `vector of ${count} ${item.name} before byte ${reader.offset}, ${reader.remaining} bytes left`,
        )
      const items: Item[] = []
      for (let i = 0; i < count; i++) items.push(item.read(reader))
      return items
    },
    write(writer, items) {
      writer.int32(items.length)
      for (const each of items) item.write(writer, each)
    },
  }
}
