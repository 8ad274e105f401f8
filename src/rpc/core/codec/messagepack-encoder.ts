import type { ByteWriter } from '../../../bytes/index.ts'
import { DEPTH_MAX } from './codec.ts'
import type { Dates } from './dates.ts'
import { EXTENSION, UINT32 } from './messagepack-format.ts'
import { plainRecord, unencodable } from './plain-value.ts'

/** Appends `value` in MessagePack. Properties that are undefined are left out, as in JSON. */
export function encodeMessagePack(writer: ByteWriter, value: unknown, dates: Dates, depth = 0): void {
  switch (typeof value) {
    case 'string':
      encodeText(writer, value)
      return
    case 'number':
      encodeNumber(writer, value)
      return
    case 'boolean':
      writer.uint8(value ? 0xc3 : 0xc2)
      return
    case 'undefined':
      encodeExtensionHeader(writer, 0, EXTENSION.undefined)
      return
    case 'bigint':
      encodeBigint(writer, value)
      return
    case 'object':
      if (value === null) writer.uint8(0xc0)
      else encodeObject(writer, value, dates, depth + 1)
      return
    default:
      throw unencodable(`a ${typeof value} cannot be sent`)
  }
}

function encodeObject(writer: ByteWriter, value: object, dates: Dates, depth: number): void {
  if (depth > DEPTH_MAX) throw unencodable(`nested deeper than ${DEPTH_MAX} levels, or a cycle`)
  if (Array.isArray(value)) encodeArray(writer, value, dates, depth)
  else if (value instanceof Uint8Array) encodeBytes(writer, value)
  else if (value instanceof Map) encodeMap(writer, value, dates, depth)
  else if (value instanceof Set) encodeSet(writer, value, dates, depth)
  else {
    const ms = dates.toMs(value)
    if (ms === undefined) encodePlain(writer, value, dates, depth)
    else encodeDate(writer, ms)
  }
}

function encodePlain(writer: ByteWriter, value: object, dates: Dates, depth: number): void {
  const record = plainRecord(value)
  if (record === value) encodeRecord(writer, value as Record<string, unknown>, dates, depth)
  else encodeMessagePack(writer, record, dates, depth)
}

function encodeText(writer: ByteWriter, text: string): void {
  const start = writer.length
  if (text.length <= TINY_TEXT) {
    writer.uint8(0)
    writer.setUint8At(start, 0xa0 | writer.utf8(text))
    return
  }
  const guess = textHeaderBytes(text.length)
  reserve(writer, guess)
  const length = writer.utf8(text)
  const needed = textHeaderBytes(length)
  if (needed > guess) {
    writer.truncate(start)
    reserve(writer, needed)
    writer.utf8(text)
  }
  // A shorter text never needs more than its guess, so the header is the larger of both.
  const header = Math.max(guess, needed)
  if (header === 1) writer.setUint8At(start, 0xa0 | length)
  else if (header === 2) {
    writer.setUint8At(start, 0xd9)
    writer.setUint8At(start + 1, length)
  } else if (header === 3) {
    writer.setUint8At(start, 0xda)
    writer.setUint8At(start + 1, length >> 8)
    writer.setUint8At(start + 2, length & 0xff)
  } else {
    writer.setUint8At(start, 0xdb)
    writer.setUint32At(start + 1, length)
  }
}

/** A text of so many UTF-16 units fits the shortest form whatever they are: each becomes at most three bytes. */
const TINY_TEXT = 10

function textHeaderBytes(length: number): number {
  if (length < 32) return 1
  if (length < 0x100) return 2
  return length < 0x1_0000 ? 3 : 5
}

function reserve(writer: ByteWriter, bytes: number): void {
  if (bytes === 1) writer.uint8(0)
  else if (bytes === 2) writer.uint16(0)
  else {
    if (bytes === 5) writer.uint16(0)
    writer.uint16(0)
    writer.uint8(0)
  }
}

function encodeNumber(writer: ByteWriter, value: number): void {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) encodeInt32(writer, value)
  else if (Number.isSafeInteger(value) && value !== 0) encodeSafeInteger(writer, value)
  else {
    writer.uint8(0xcb)
    writer.float64(value)
  }
}

function encodeInt32(writer: ByteWriter, value: number): void {
  if (value >= 0) {
    if (value < 0x80) writer.uint8(value)
    else if (value < 0x100) writer.uint16(0xcc00 | value)
    else if (value < 0x1_0000) {
      writer.uint8(0xcd)
      writer.uint16(value)
    } else {
      writer.uint8(0xce)
      writer.uint32(value)
    }
  } else if (value >= -0x20) writer.uint8(value & 0xff)
  else if (value >= -0x80) writer.uint16(0xd000 | (value & 0xff))
  else if (value >= -0x8000) {
    writer.uint8(0xd1)
    writer.uint16(value & 0xffff)
  } else {
    writer.uint8(0xd2)
    writer.int32(value)
  }
}

function encodeSafeInteger(writer: ByteWriter, value: number): void {
  if (value > 0 && value < UINT32) {
    writer.uint8(0xce)
    writer.uint32(value)
    return
  }
  writer.uint8(value < 0 ? 0xd3 : 0xcf)
  writer.uint32(Math.floor(value / UINT32) >>> 0)
  writer.uint32(value >>> 0)
}

function encodeArray(writer: ByteWriter, values: readonly unknown[], dates: Dates, depth: number): void {
  encodeCount(writer, values.length, 0x90, 0xdc)
  for (let i = 0; i < values.length; i++) encodeMessagePack(writer, values[i], dates, depth)
}

function encodeRecord(
  writer: ByteWriter,
  record: Readonly<Record<string, unknown>>,
  dates: Dates,
  depth: number,
): void {
  const keys = Object.keys(record)
  const start = writer.length
  let count = keys.length
  encodeCount(writer, count, 0x80, 0xde)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    const value = record[key]
    if (value === undefined) {
      count--
      continue
    }
    encodeText(writer, key)
    encodeMessagePack(writer, value, dates, depth)
  }
  if (count !== keys.length) patchCount(writer, start, keys.length, count)
}

/** Corrects the header of a map of `written` entries, which keeps its size. */
function patchCount(writer: ByteWriter, start: number, written: number, count: number): void {
  if (written < 16) writer.setUint8At(start, 0x80 | count)
  else if (written < 0x1_0000) {
    writer.setUint8At(start + 1, count >> 8)
    writer.setUint8At(start + 2, count & 0xff)
  } else writer.setUint32At(start + 1, count)
}

/** Header of an array (0x90, 0xdc) or a map (0x80, 0xde). */
function encodeCount(writer: ByteWriter, count: number, short: number, long: number): void {
  if (count < 16) writer.uint8(short | count)
  else if (count < 0x1_0000) {
    writer.uint8(long)
    writer.uint16(count)
  } else {
    writer.uint8(long + 1)
    writer.uint32(count)
  }
}

function encodeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  if (bytes.length < 0x100) writer.uint16(0xc400 | bytes.length)
  else if (bytes.length < 0x1_0000) {
    writer.uint8(0xc5)
    writer.uint16(bytes.length)
  } else {
    writer.uint8(0xc6)
    writer.uint32(bytes.length)
  }
  writer.bytes(bytes)
}

/** Extension type -1 of the MessagePack specification, in its 32-, 64- and 96-bit forms. */
function encodeDate(writer: ByteWriter, ms: number): void {
  if (Number.isNaN(ms)) throw unencodable('an invalid date cannot be sent')
  const seconds = Math.floor(ms / 1000)
  const nanoseconds = (ms - seconds * 1000) * 1_000_000
  if (seconds >= 0 && seconds < UINT32 && nanoseconds === 0) {
    encodeExtensionHeader(writer, 4, EXTENSION.timestamp)
    writer.uint32(seconds)
  } else if (seconds >= 0 && seconds < UINT32 * 4) {
    encodeExtensionHeader(writer, 8, EXTENSION.timestamp)
    writer.uint32(nanoseconds * 4 + Math.floor(seconds / UINT32))
    writer.uint32(seconds >>> 0)
  } else {
    encodeExtensionHeader(writer, 12, EXTENSION.timestamp)
    writer.uint32(nanoseconds)
    writer.int64(BigInt(seconds))
  }
}

/** Two's complement, big-endian, as many bytes as it needs. */
function encodeBigint(writer: ByteWriter, value: bigint): void {
  const magnitude = value < 0n ? -value - 1n : value
  // Hexadecimal takes linear time where repeated shifting would take quadratic.
  const digits = magnitude.toString(16)
  const even = digits.length % 2 === 0 ? digits : `0${digits}`
  const signByte = Number.parseInt(even.slice(0, 2), 16) >= 0x80
  const length = even.length / 2 + (signByte ? 1 : 0)
  const flip = value < 0n ? 0xff : 0
  encodeExtensionHeader(writer, length, EXTENSION.bigint)
  if (signByte) writer.uint8(flip)
  for (let i = 0; i < even.length; i += 2) writer.uint8(Number.parseInt(even.slice(i, i + 2), 16) ^ flip)
}

function encodeMap(
  writer: ByteWriter,
  map: ReadonlyMap<unknown, unknown>,
  dates: Dates,
  depth: number,
): void {
  const start = beginNested(writer, EXTENSION.map)
  encodeCount(writer, map.size * 2, 0x90, 0xdc)
  for (const [key, value] of map) {
    encodeMessagePack(writer, key, dates, depth)
    encodeMessagePack(writer, value, dates, depth)
  }
  writer.setUint32At(start + 1, writer.length - start - NESTED_HEADER_BYTES)
}

function encodeSet(writer: ByteWriter, set: ReadonlySet<unknown>, dates: Dates, depth: number): void {
  const start = beginNested(writer, EXTENSION.set)
  encodeCount(writer, set.size, 0x90, 0xdc)
  for (const value of set) encodeMessagePack(writer, value, dates, depth)
  writer.setUint32At(start + 1, writer.length - start - NESTED_HEADER_BYTES)
}

const NESTED_HEADER_BYTES = 6

/** An ext 32 header whose length is written afterwards; returns where it starts. */
function beginNested(writer: ByteWriter, type: number): number {
  const start = writer.length
  writer.uint8(0xc9)
  writer.uint32(0)
  writer.uint8(type)
  return start
}

function encodeExtensionHeader(writer: ByteWriter, length: number, type: number): void {
  const fixed = FIXED_EXTENSIONS[length]
  if (fixed !== undefined) writer.uint8(fixed)
  else if (length < 0x100) writer.uint16(0xc700 | length)
  else {
    writer.uint8(0xc9)
    writer.uint32(length)
  }
  writer.uint8(type & 0xff)
}

const FIXED_EXTENSIONS: Readonly<Record<number, number>> = { 1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8 }
