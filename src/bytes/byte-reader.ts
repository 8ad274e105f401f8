import { bytesError } from './errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Strings shorter than this are decoded by hand: cheaper than a crossing into the decoder. */
const SHORT_STRING_BYTES = 24

/**
 * Reads big-endian fields from a range of a buffer, without copying. Reading past the end throws
 * `BYTES_TRUNCATED`, so a decoder needs no bounds checks of its own.
 */
export class ByteReader {
  #bytes: Uint8Array
  #view: DataView
  #offset: number
  #end: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#offset = start
    this.#end = end
  }

  /** Starts over on another range; saves an object per message on hot paths. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (
      bytes.buffer !== this.#bytes.buffer ||
      bytes.byteOffset !== this.#bytes.byteOffset ||
      bytes.length !== this.#bytes.length
    )
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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
    return this.#view.getUint8(this.#take(1))
  }

  /** One byte: 0 is false, everything else true. */
  boolean(): boolean {
    return this.uint8() !== 0
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8))
  }

  /** An unsigned 64-bit field that is a counter of ours: below 2^53, else `BYTES_INVALID`. */
  counter(): number {
    const at = this.#take(8)
    const value = this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
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
    if (length < SHORT_STRING_BYTES) {
      let text = ''
      let i = at
      const end = at + length
      for (; i < end; i++) {
        const byte = this.#bytes[i]!
        if (byte >= 0x80) break
        text += String.fromCharCode(byte)
      }
      if (i === end) return text
    }
    try {
      return utf8.decode(this.#bytes.subarray(at, at + length))
    } catch {
      throw bytesError('BYTES_INVALID', `text at byte ${at} is not UTF-8`)
    }
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** Throws `BYTES_TRAILING` unless everything was read. */
  finish(): void {
    if (this.#offset !== this.#end)
      throw bytesError('BYTES_TRAILING', `${this.#end - this.#offset} bytes after the last field`)
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
