import type { FenbuError } from '../../base/index.ts'
import type { ByteWriter } from '../../bytes/index.ts'
import type { Codec } from './codec/codec.ts'
import { rpcError } from './errors.ts'
import { beginFrame, endFrame, HEADER_BYTES } from './frame-codec.ts'
import { FRAMES } from './frames.ts'

// CALL and RESULT, the two frames of every call, without an object of fields in between. A test holds them to the
// table: the bytes are those of `encodeFrame`, and what `decodeFrame` refuses is refused here.

const FLAGS_AT = 5
const CALL_ID_AT = 6
const METHOD_AT = HEADER_BYTES
const TIMEOUT_AT = METHOD_AT + 2
const ATTEMPT_AT = TIMEOUT_AT + 4
const METADATA_AT = ATTEMPT_AT + 1
const ARGS_AT = METADATA_AT + 2
const VALUE_AT = HEADER_BYTES + 4

export function encodeCall(
  writer: ByteWriter,
  callId: number,
  idempotent: boolean,
  methodId: number,
  timeoutMs: number,
  attempt: number,
  metadata: Uint8Array,
  args: Uint8Array,
): void {
  const flags = idempotent ? FRAMES.CALL.flags.idempotent : 0
  const start = beginFrame(writer, FRAMES.CALL.type, flags, callId)
  writer.uint16(methodId)
  writer.uint32(timeoutMs)
  writer.uint8(attempt)
  writer.uint16(metadata.length)
  if (metadata.length > 0) writer.bytes(metadata)
  writer.bytes(args)
  endFrame(writer, start)
}

export function encodeResult(
  writer: ByteWriter,
  callId: number,
  handlerMicros: number,
  value: unknown,
  codec: Codec,
): void {
  const start = beginFrame(writer, FRAMES.RESULT.type, 0, callId)
  writer.uint32(handlerMicros)
  codec.encode(writer, value)
  endFrame(writer, start)
}

export function frameType(bytes: Uint8Array, start: number): number {
  return bytes[start + 4]!
}

/** Call id of any frame. */
export function frameCallId(bytes: Uint8Array, start: number): number {
  return uint32(bytes, start + CALL_ID_AT)
}

/** A window on the CALL frame that is being handled: one for each connection, moved from frame to frame. */
export class CallView {
  callId = 0
  idempotent = false
  methodId = 0
  timeoutMs = 0
  attempt = 0
  metadataStart = 0
  argsStart = 0

  /** Throws `RPC_FRAME_INVALID`. */
  move(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < ARGS_AT) throw invalid('CALL', `${end - start} bytes`)
    this.callId = frameCallId(bytes, start)
    this.idempotent = bytes[start + FLAGS_AT] === FRAMES.CALL.flags.idempotent
    if (this.callId === 0 || (bytes[start + FLAGS_AT]! & ~FRAMES.CALL.flags.idempotent) !== 0)
      throw invalid('CALL', `call id ${this.callId}, flags ${bytes[start + FLAGS_AT]}`)
    this.methodId = uint16(bytes, start + METHOD_AT)
    this.timeoutMs = uint32(bytes, start + TIMEOUT_AT)
    this.attempt = bytes[start + ATTEMPT_AT]!
    this.metadataStart = start + ARGS_AT
    this.argsStart = this.metadataStart + uint16(bytes, start + METADATA_AT)
    if (this.argsStart > end) throw invalid('CALL', 'metadata reaches past its end')
  }
}

/** Where the value of a RESULT starts. Throws `RPC_FRAME_INVALID`. */
export function resultValueStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < VALUE_AT || bytes[start + FLAGS_AT] !== 0 || frameCallId(bytes, start) === 0)
    throw invalid('RESULT', `${end - start} bytes, flags ${bytes[start + FLAGS_AT]}`)
  return start + VALUE_AT
}

export function resultHandlerMicros(bytes: Uint8Array, start: number): number {
  return uint32(bytes, start + HEADER_BYTES)
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x100 + bytes[at + 1]!
}

function uint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x100_0000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
}

function invalid(frame: string, what: string): FenbuError {
  return rpcError('RPC_FRAME_INVALID', `malformed ${frame} frame: ${what}`)
}
