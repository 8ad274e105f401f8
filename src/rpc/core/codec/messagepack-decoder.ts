import type { FenbuError } from '../../../base/index.ts'
import { rpcError } from '../errors.ts'
import { DEPTH_MAX } from './codec.ts'
import type { Dates } from './dates.ts'
import { EXTENSION, UINT32 } from './messagepack-format.ts'
import { readText, TextCache } from './text.ts'

/** A bigint of more bytes is refused: turning it into a number takes quadratic time. */
const BIGINT_BYTES_MAX = 1024

/**
 * Reads MessagePack from bytes of strangers: memory follows the bytes that are there, never a claimed length;
 * nesting is bounded; a key `__proto__` is refused, every other key becomes an own property.
 */
export class MessagePackDecoder {
  readonly #dates: Dates
  readonly #keys = new TextCache()
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #end = 0

  constructor(dates: Dates) {
    this.#dates = dates
  }

  /** The one value that fills [start, end). */
  decode(bytes: Uint8Array, start: number, end: number): unknown {
    if (bytes.buffer !== this.#view.buffer || bytes.byteOffset !== this.#view.byteOffset)
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    const value = this.#value(0)
    if (this.#at !== end) throw invalid(`${end - this.#at} bytes after the value`)
    return value
  }

  #value(depth: number): unknown {
    const head = this.#bytes[this.#take(1)]!
    if (head < 0x80) return head
    if (head < 0x90) return this.#record(head & 0x0f, depth + 1)
    if (head < 0xa0) return this.#array(head & 0x0f, depth + 1)
    if (head < 0xc0) return this.#text(head & 0x1f)
    if (head >= 0xe0) return head - 0x100
    return this.#longForm(head, depth)
  }

  #longForm(head: number, depth: number): unknown {
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#binary(this.#uint8())
      case 0xc5:
        return this.#binary(this.#uint16())
      case 0xc6:
        return this.#binary(this.#uint32())
      case 0xc7:
        return this.#extension(this.#uint8(), depth)
      case 0xc8:
        return this.#extension(this.#uint16(), depth)
      case 0xc9:
        return this.#extension(this.#uint32(), depth)
      case 0xca:
        return this.#view.getFloat32(this.#take(4))
      case 0xcb:
        return this.#view.getFloat64(this.#take(8))
      case 0xcc:
        return this.#uint8()
      case 0xcd:
        return this.#uint16()
      case 0xce:
        return this.#uint32()
      case 0xcf:
        return this.#wide(this.#uint32())
      case 0xd0:
        return this.#view.getInt8(this.#take(1))
      case 0xd1:
        return this.#view.getInt16(this.#take(2))
      case 0xd2:
        return this.#view.getInt32(this.#take(4))
      case 0xd3:
        return this.#wide(this.#view.getInt32(this.#take(4)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (head - 0xd4), depth)
      case 0xd9:
        return this.#text(this.#uint8())
      case 0xda:
        return this.#text(this.#uint16())
      case 0xdb:
        return this.#text(this.#uint32())
      case 0xdc:
        return this.#array(this.#uint16(), depth + 1)
      case 0xdd:
        return this.#array(this.#uint32(), depth + 1)
      case 0xde:
        return this.#record(this.#uint16(), depth + 1)
      case 0xdf:
        return this.#record(this.#uint32(), depth + 1)
      default:
        throw invalid(`byte 0x${head.toString(16)} starts no value`)
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#checkContainer(count, 1, depth)
    const values: unknown[] = []
    for (let i = 0; i < count; i++) values.push(this.#value(depth))
    return values
  }

  #record(count: number, depth: number): Record<string, unknown> {
    this.#checkContainer(count, 2, depth)
    const record: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const key = this.#key()
      if (key === '__proto__') throw invalid('a key __proto__')
      record[key] = this.#value(depth)
    }
    return record
  }

  #key(): string {
    const head = this.#bytes[this.#take(1)]!
    if (head >= 0xa0 && head < 0xc0) {
      const length = head & 0x1f
      const at = this.#take(length)
      return this.#keys.read(this.#bytes, at, length)
    }
    this.#at--
    const key = this.#value(DEPTH_MAX)
    if (typeof key === 'string') return key
    if (typeof key === 'number') return String(key)
    throw invalid('a key that is neither text nor number')
  }

  #text(length: number): string {
    return readText(this.#bytes, this.#take(length), length)
  }

  #binary(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.slice(at, at + length)
  }

  /** 64-bit integers are numbers while exact, else bigints. */
  #wide(high: number): number | bigint {
    const low = this.#uint32()
    const value = high * UINT32 + low
    return Number.isSafeInteger(value) ? value : BigInt(high) * BigInt(UINT32) + BigInt(low)
  }

  #extension(length: number, depth: number): unknown {
    const type = this.#view.getInt8(this.#take(1))
    const at = this.#take(length)
    switch (type) {
      case EXTENSION.timestamp:
        return this.#dates.fromMs(this.#timestampMs(at, length))
      case EXTENSION.undefined:
        if (length !== 0) throw invalid(`an undefined of ${length} bytes`)
        return undefined
      case EXTENSION.bigint:
        return this.#bigint(at, length)
      case EXTENSION.map:
        return this.#map(this.#nested(at, length, depth))
      case EXTENSION.set:
        return new Set(this.#nested(at, length, depth))
      default:
        throw invalid(`extension type ${type} is unknown`)
    }
  }

  #timestampMs(at: number, length: number): number {
    if (length === 4) return this.#view.getUint32(at) * 1000
    if (length === 8) {
      const first = this.#view.getUint32(at)
      const seconds = (first & 3) * UINT32 + this.#view.getUint32(at + 4)
      return seconds * 1000 + Math.floor((first >>> 2) / 1_000_000)
    }
    if (length !== 12) throw invalid(`a timestamp of ${length} bytes`)
    const milliseconds = Math.floor(this.#view.getUint32(at) / 1_000_000)
    return Number(this.#view.getBigInt64(at + 4)) * 1000 + milliseconds
  }

  #bigint(at: number, length: number): bigint {
    if (length === 0 || length > BIGINT_BYTES_MAX) throw invalid(`a bigint of ${length} bytes`)
    let digits = '0x'
    for (let i = at; i < at + length; i++) digits += this.#bytes[i]!.toString(16).padStart(2, '0')
    return BigInt.asIntN(length * 8, BigInt(digits))
  }

  #map(flat: readonly unknown[]): Map<unknown, unknown> {
    if (flat.length % 2 !== 0) throw invalid('a map with a key that has no value')
    const map = new Map<unknown, unknown>()
    for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1])
    return map
  }

  /** The array inside an extension, which must fill it. */
  #nested(at: number, length: number, depth: number): unknown[] {
    const outerEnd = this.#end
    this.#at = at
    this.#end = at + length
    const value = this.#value(depth)
    if (!Array.isArray(value) || this.#at !== at + length) throw invalid('a map or set that is not one array')
    this.#end = outerEnd
    return value
  }

  #checkContainer(count: number, bytesPerEntry: number, depth: number): void {
    if (depth > DEPTH_MAX) throw invalid(`nested deeper than ${DEPTH_MAX} levels`)
    if (count * bytesPerEntry > this.#end - this.#at)
      throw invalid(`${count} entries announced, ${this.#end - this.#at} bytes left`)
  }

  #uint8(): number {
    return this.#bytes[this.#take(1)]!
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) throw invalid(`${length} bytes announced, ${this.#end - at} left`)
    this.#at = at + length
    return at
  }
}

function invalid(what: string): FenbuError {
  return rpcError('RPC_BODY_INVALID', `MessagePack: ${what}`)
}
