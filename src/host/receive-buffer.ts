/**
 * Joins the pieces of a frame that arrives in several chunks. Memory follows what has arrived, never what a
 * length field claims.
 */
export class ReceiveBuffer {
  #pieces: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  add(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  /** All pieces as one; the buffer is empty afterwards. */
  take(): Uint8Array {
    const only = this.#pieces[0]
    const joined = this.#pieces.length === 1 && only ? only : this.#join()
    this.#pieces = []
    this.#length = 0
    return joined
  }

  #join(): Uint8Array {
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (const piece of this.#pieces) {
      joined.set(piece, at)
      at += piece.length
    }
    return joined
  }
}
