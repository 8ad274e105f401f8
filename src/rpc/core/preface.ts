import { rpcError } from './errors.ts'
import { HEADER_BYTES, LENGTH_BYTES } from './frame-codec.ts'

/** Version of the framing itself; versions of the protocol above it are agreed in HELLO. */
export const FRAMING_VERSION = 1

/**
 * `FNBRPC` and the framing version, u16: the first bytes in either direction. Read as a length, the first four
 * would be 1.1 GiB, more than any frame, so that preface and frames cannot be confused.
 */
export const PREFACE: Uint8Array = Uint8Array.of(0x46, 0x4e, 0x42, 0x52, 0x50, 0x43, 0x00, FRAMING_VERSION)

const MAGIC_BYTES = 6
const MAGIC_AS_LENGTH = 0x464e4252
/** Above this no honest peer sends; the limit of a connection lies below. */
const LENGTH_MAX = 0x4000_0000

/** Length of the frame or preface at `start`, 0 while four bytes are not there. */
export function frameLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < LENGTH_BYTES) return 0
  const length =
    bytes[start]! * 0x100_0000 + ((bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!)
  if (length === MAGIC_AS_LENGTH) return PREFACE.length
  if (length > LENGTH_MAX)
    throw rpcError(
      'RPC_PREFACE_INVALID',
      `first bytes ${hex(bytes, start, end)} are not ${hex(PREFACE, 0, 8)}`,
    )
  if (length < HEADER_BYTES - LENGTH_BYTES)
    throw rpcError('RPC_FRAME_INVALID', `frame of ${length} bytes; a header alone has 6`)
  return length + LENGTH_BYTES
}

/** Whether the first bytes of a connection are the preface; undefined while they do not yet say. */
export function isPreface(bytes: Uint8Array): boolean | undefined {
  for (let i = 0; i < Math.min(bytes.length, MAGIC_BYTES); i++) if (bytes[i] !== PREFACE[i]) return false
  return bytes.length >= MAGIC_BYTES ? true : undefined
}

/** Throws unless [start, end) is the preface of a framing that this side speaks. */
export function checkPreface(bytes: Uint8Array, start: number, end: number): void {
  if (end - start !== PREFACE.length || isPreface(bytes.subarray(start, end)) !== true)
    throw rpcError(
      'RPC_PREFACE_INVALID',
      `first bytes ${hex(bytes, start, end)} are not ${hex(PREFACE, 0, 8)}`,
    )
  const version = bytes[start + 6]! * 256 + bytes[start + 7]!
  if (version !== FRAMING_VERSION)
    throw rpcError(
      'RPC_VERSION_MISMATCH',
      `the peer uses framing ${version}, this side framing ${FRAMING_VERSION}`,
    )
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + 8))
  return Array.from(shown, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
