import { FenbuError, type Outcome } from '../../base/index.ts'
import type { ByteWriter } from '../../bytes/index.ts'
import type { Codec } from './codec/codec.ts'
import { rpcError } from './errors.ts'
import { beginFrame, endFrame } from './frame-codec.ts'
import { FRAMES, type FrameFields } from './frames.ts'

const OUTCOMES: readonly Outcome[] = ['not-executed', 'executed', 'unknown']
const CODE = /^[A-Z][A-Z0-9_]{0,99}$/
const MESSAGE_CHARS_MAX = 4096

/** An error as it crosses the wire: never a stack, never a class name. */
export interface RemoteFailure {
  readonly code: string
  readonly outcome: Outcome
  readonly message: string
  /** Plain data that the provider attached. */
  readonly details: unknown
}

/** A failed call of another process: what its provider said, with the data it attached. */
export class RemoteError extends FenbuError {
  readonly details: unknown

  constructor(failure: RemoteFailure) {
    super(failure.code, failure.outcome, failure.message)
    this.details = failure.details
  }
}

/** Appends an ERROR frame. `elsewhere`: refused before the handler, another instance may take the call. */
export function encodeError(
  writer: ByteWriter,
  callId: number,
  failure: RemoteFailure,
  elsewhere: boolean,
  handlerMicros: number,
  codec: Codec,
): void {
  const start = beginFrame(writer, FRAMES.ERROR.type, elsewhere ? FRAMES.ERROR.flags.elsewhere : 0, callId)
  writer.uint32(handlerMicros)
  writer.uint8(OUTCOMES.indexOf(failure.outcome))
  const code = CODE.test(failure.code) ? failure.code : 'RPC_INTERNAL'
  writer.uint8(code.length)
  writer.utf8(code)
  const at = writer.length
  writer.uint16(0)
  const bytes = writer.utf8(failure.message.slice(0, MESSAGE_CHARS_MAX))
  writer.setUint8At(at, bytes >> 8)
  writer.setUint8At(at + 1, bytes & 0xff)
  if (failure.details !== undefined) codec.encode(writer, failure.details)
  endFrame(writer, start)
}

/** Makes the error of the caller. Throws `RPC_FRAME_INVALID` for fields that no server writes. */
export function decodeError(fields: FrameFields<'ERROR'>, codec: Codec): RemoteError {
  const outcome = OUTCOMES[fields.outcome]
  if (outcome === undefined || !CODE.test(fields.code))
    throw rpcError(
      'RPC_FRAME_INVALID',
      `ERROR with outcome ${fields.outcome} and code ${JSON.stringify(fields.code)}`,
    )
  const bytes = fields.details
  const details = bytes.length === 0 ? undefined : codec.decode(bytes, 0, bytes.length)
  return new RemoteError({ code: fields.code, outcome, message: fields.message, details })
}
