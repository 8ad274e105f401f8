import type { ByteWriter } from '../../bytes/index.ts'

/** Up to here an array of its own lives on the JavaScript heap, which is the cheapest there is. */
const OWN_BYTES_MAX = 64
/** From here an allocation of its own no longer matters. */
const POOLED_BYTES_MAX = 4 * 1024
const POOL_BYTES = 64 * 1024

/**
 * Copies of encoded arguments, kept until their calls are settled. Those of medium size are cut from larger blocks:
 * an allocation outside of the JavaScript heap costs more than the rest of a call. A block lives as long as the
 * longest call in it, so that at most one block is held for each call in flight.
 */
export class Snapshots {
  #pool = new Uint8Array(0)
  #at = 0

  /** What the writer holds; it starts over. */
  take(writer: ByteWriter): Uint8Array {
    const length = writer.length
    if (length <= OWN_BYTES_MAX || length > POOLED_BYTES_MAX) return writer.copyAndReset()
    if (this.#at + length > this.#pool.length) {
      this.#pool = new Uint8Array(POOL_BYTES)
      this.#at = 0
    }
    const copy = this.#pool.subarray(this.#at, this.#at + length)
    copy.set(writer.view())
    this.#at += length
    writer.reset()
    return copy
  }
}
