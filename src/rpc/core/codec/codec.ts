import type { ByteWriter } from '../../../bytes/index.ts'
import type { CodecName } from '../handshake.ts'

/** Containers inside containers, at most: deeper values are refused in both directions. */
export const DEPTH_MAX = 64

/** How arguments and results lie in bytes. Decoded values never share memory with the buffer. */
export interface Codec {
  readonly name: CodecName
  /** Appends one value; throws `RPC_VALUE_UNENCODABLE`. What was written before it threw is the caller's to undo. */
  encode(writer: ByteWriter, value: unknown): void
  /** Reads the one value that fills [start, end); throws `RPC_BODY_INVALID`. */
  decode(bytes: Uint8Array, start: number, end: number): unknown
}
