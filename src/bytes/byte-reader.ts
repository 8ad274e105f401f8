import { bytesError } from './errors.ts'
import { readText } from './text.ts'

/**
 * Reads big-endian fields from a range of a buffer, without copying. Reading past the end throws
 * `BYTES_TRUNCATED`, so a decoder needs no bounds checks of its own.
 */
export class ByteReader {
  #bytes: Uint8Array
  /** Made when a 64-bit field is read: most messages have none, and making one costs more than reading them. */
  #view: DataView | undefined
  #offset: number
  #end: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#offset = start
    this.#end = end
  }

  /** Starts over on another range; saves an object per message on hot paths. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (bytes !== this.#bytes) this.#view = undefined
    this.#bytes = bytes
    this.#offset = start
    this.#end = end
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#end - this.#offset
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!
  }

  /** One byte: 0 is false, everything else true. */
  boolean(): boolean {
    return this.uint8() !== 0
  }

  uint16(): number {
    const at = this.#take(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  int32(): number {
    return this.#int32At(this.#take(4))
  }

  uint32(): number {
    return this.#int32At(this.#take(4)) >>> 0
  }

  int64(): bigint {
    const at = this.#take(8)
    return this.#wholeView().getBigInt64(at)
  }

  uint64(): bigint {
    const at = this.#take(8)
    return this.#wholeView().getBigUint64(at)
  }

  /** An unsigned 64-bit field that is a counter of ours: below 2^53, else `BYTES_INVALID`. */
  counter(): number {
    const at = this.#take(8)
    const value = (this.#int32At(at) >>> 0) * 0x1_0000_0000 + (this.#int32At(at + 4) >>> 0)
    if (!Number.isSafeInteger(value)) throw bytesError('BYTES_INVALID', `counter at byte ${at} is above 2^53`)
    return value
  }

  /** An unsigned LEB128 integer below 2^53. */
  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.uint8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
      scale *= 128
    }
    throw bytesError('BYTES_INVALID', `varint before byte ${this.#offset} is above 2^53`)
  }

  /** The next `length` bytes, sharing memory with the buffer: copy what outlives it. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** The next `length` bytes as UTF-8; ill-formed text is `BYTES_INVALID`. */
  utf8(length: number): string {
    const at = this.#take(length)
    return readText(this.#bytes, at, at + length)
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** Throws `BYTES_TRAILING` unless everything was read. */
  finish(): void {
    if (this.#offset !== this.#end)
      throw bytesError('BYTES_TRAILING', `${this.#end - this.#offset} bytes after the last field`)
  }

  #int32At(at: number): number {
    const bytes = this.#bytes
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }

  #wholeView(): DataView {
    const bytes = this.#bytes
    this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.#view
  }

  #take(length: number): number {
    const at = this.#offset
    // `length` may come from the peer: negative, NaN-free by construction, or larger than what is left.
    if (length < 0 || length > this.#end - at)
      throw bytesError('BYTES_TRUNCATED', `${length} bytes wanted at byte ${at}, ${this.#end - at} left`)
    this.#offset = at + length
    return at
  }
}
