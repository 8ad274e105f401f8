import { hostError } from './errors.ts'
import type { Protocol } from './protocol.ts'
import { ReceiveBuffer } from './receive-buffer.ts'

/** Takes one frame in [start, end); false stops the reader after it, `resume` goes on. */
export type TakeFrame = (bytes: Uint8Array, start: number, end: number) => boolean

/** Cuts a stream of bytes into the frames of a protocol. Frames that lie whole in a chunk are not copied. */
export class FrameReader {
  readonly #protocol: Protocol
  readonly #frameBytesMax: number
  readonly #pending = new ReceiveBuffer()
  /** Length of the frame that `#pending` starts with, once its header says it; 0 before. */
  #needed = 0
  #stopped = false
  #closed = false

  constructor(protocol: Protocol, frameBytesMax: number) {
    this.#protocol = protocol
    this.#frameBytesMax = frameBytesMax
  }

  get pendingBytes(): number {
    return this.#pending.length
  }

  /** Whole frames may be waiting because the taker stopped. */
  get stopped(): boolean {
    return this.#stopped
  }

  add(chunk: Uint8Array, take: TakeFrame): void {
    const rest = this.#pending.length === 0 ? chunk : this.#complete(chunk, take)
    if (rest.length === 0) return
    const at = this.#stopped ? 0 : this.#cut(rest, take)
    if (at < rest.length && !this.#closed) this.#pending.add(at === 0 ? rest : rest.subarray(at))
  }

  resume(take: TakeFrame): void {
    this.#stopped = false
    const used = this.#cut(this.#pending.view(), take)
    if (!this.#closed) this.#pending.consume(used)
  }

  /** Drops what is pending and all that comes; the taker may call this. */
  close(): void {
    this.#closed = true
    this.#stopped = true
    this.#pending.clear()
  }

  /** Completes the pending frame from the chunk, and returns what is left of the chunk. */
  #complete(chunk: Uint8Array, take: TakeFrame): Uint8Array {
    const missing = this.#needed - this.#pending.length
    const used = this.#needed > 0 && missing < chunk.length ? missing : chunk.length
    this.#pending.add(chunk.subarray(0, used))
    if (used >= missing && !this.#stopped) this.resume(take)
    return chunk.subarray(used)
  }

  /** Hands out the whole frames of `bytes`; returns the offset of the first byte not handed out. */
  #cut(bytes: Uint8Array, take: TakeFrame): number {
    const end = bytes.length
    let at = 0
    this.#needed = 0
    while (at < end) {
      const length = this.#protocol.frameLength(bytes, at, end)
      if (!(length > 0 && length <= this.#frameBytesMax)) this.#check(length, end - at)
      if (length === 0 || length > end - at) {
        this.#needed = length
        return at
      }
      at += length
      if (!take(bytes, at - length, at)) {
        this.#stopped = true
        return at
      }
    }
    return at
  }

  #check(length: number, arrived: number): void {
    const { name } = this.#protocol
    if (!Number.isSafeInteger(length) || length < 0)
      throw hostError('HOST_FRAME_INVALID', `${name} frame announces a length of ${length} bytes`)
    // A header that never ends is a frame without a bound.
    const bytes = length === 0 ? arrived : length
    if (bytes > this.#frameBytesMax)
      throw hostError(
        'HOST_FRAME_TOO_LARGE',
        `${name} frame of ${bytes} bytes${length === 0 ? ' or more' : ''}; maxFrameBytes is ${this.#frameBytesMax}`,
      )
  }
}
