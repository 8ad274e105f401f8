const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0)

/**
 * Bytes that arrived and are not delivered yet. Pieces are copied in, so that a byte of a frame never pins the
 * 64 KiB block it was read into, and a frame that comes byte by byte costs what it weighs. Memory is at most twice
 * what has arrived, never what a length field claims; growth by doubling keeps copying linear.
 */
export class ReceiveBuffer {
  #bytes = NOTHING
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  add(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#bytes.length) this.#grow(piece.length)
    this.#bytes.set(piece, this.#end)
    this.#end += piece.length
  }

  /** What is here, sharing memory: valid until the next `add`. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** Forgets the first `length` bytes and gives back the memory that the rest does not need. */
  consume(length: number): void {
    this.#start += length
    if (this.#start === this.#end) this.clear()
    else if (this.length * 4 < this.#bytes.length) this.#grow(0)
  }

  clear(): void {
    this.#bytes = NOTHING
    this.#start = 0
    this.#end = 0
  }

  #grow(by: number): void {
    const length = this.length
    const larger = new Uint8Array(Math.max(length + by, length * 2))
    larger.set(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = larger
    this.#start = 0
    this.#end = length
  }
}
