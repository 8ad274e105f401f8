import { assert } from '../base/index.ts'

const encoder = new TextEncoder()
const SHORT_STRING_CHARS = 24
/** A writer that outgrew its first buffer skips the small steps. */
const GROWN_BYTES_MIN = 1024

/**
 * Appends big-endian fields to a buffer that grows by doubling. `take()` hands the bytes out; a connection's
 * write slab is one of these. Positions returned by `length` can be patched later (`setInt32At`), which is how
 * a frame's length is written after its body.
 */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>
  #length = 0

  constructor(initialBytes = 256) {
    this.#bytes = new Uint8Array(initialBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  uint8(value: number): void {
    const at = this.#grow(1)
    this.#bytes[at] = value
  }

  boolean(value: boolean): void {
    this.uint8(value ? 1 : 0)
  }

  uint16(value: number): void {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    const at = this.#grow(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#grow(8)
    this.#view.setBigInt64(at, value)
  }

  uint64(value: bigint): void {
    const at = this.#grow(8)
    this.#view.setBigUint64(at, value)
  }

  float64(value: number): void {
    const at = this.#grow(8)
    this.#view.setFloat64(at, value)
  }

  /** A counter of ours as unsigned 64 bits. */
  counter(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `counter is a safe non-negative integer, not ${value}`)
    const at = this.#grow(8)
    this.#view.setUint32(at, Math.floor(value / 0x1_0000_0000))
    this.#view.setUint32(at + 4, value >>> 0)
  }

  /** An unsigned LEB128 integer below 2^53. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `varint is a safe non-negative integer, not ${value}`)
    let rest = value
    while (rest >= 0x80) {
      this.uint8((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.uint8(rest)
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
  }

  /** Writes text as UTF-8 and returns how many bytes that were. */
  utf8(text: string): number {
    const start = this.#length
    if (text.length < SHORT_STRING_CHARS) {
      const at = this.#grow(text.length)
      let i = 0
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code >= 0x80) break
        this.#bytes[at + i] = code
      }
      if (i === text.length) return text.length
      this.#length = start
    }
    // A UTF-16 unit becomes at most three bytes.
    this.#grow(text.length * 3)
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start))
    this.#length = start + written
    return written
  }

  setUint8At(at: number, value: number): void {
    assert(at + 1 <= this.#length, 'patching inside what was written')
    this.#bytes[at] = value
  }

  setInt32At(at: number, value: number): void {
    assert(at + 4 <= this.#length, 'patching inside what was written')
    this.#view.setInt32(at, value)
  }

  setUint32At(at: number, value: number): void {
    assert(at + 4 <= this.#length, 'patching inside what was written')
    this.#view.setUint32(at, value)
  }

  /** Forgets everything after `length`: undoes a record that turned out too large. */
  truncate(length: number): void {
    assert(length <= this.#length, 'truncating to less than was written')
    this.#length = length
  }

  /** What was written so far, sharing memory: valid until the next write. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(from, this.#length)
  }

  /** A copy of what was written; the writer starts over with its buffer kept. */
  copyAndReset(): Uint8Array<ArrayBuffer> {
    const copy = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return copy
  }

  /** Hands the bytes out without a copy; the writer starts over on a fresh buffer of `nextBytes`. */
  take(nextBytes = 256): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(nextBytes)
    this.#view = new DataView(this.#bytes.buffer)
    this.#length = 0
    return taken
  }

  reset(): void {
    this.#length = 0
  }

  #grow(by: number): number {
    const at = this.#length
    const needed = at + by
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2, GROWN_BYTES_MIN))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    this.#length = needed
    return at
  }
}
