import { FenbuError } from '../../base/index.ts'
import { ByteReader, type ByteWriter } from '../../bytes/index.ts'
import { rpcError } from './errors.ts'
import {
  type AnyFrame,
  type FieldType,
  FRAMES,
  type FrameFields,
  type FrameName,
  type FrameSpec,
} from './frames.ts'

/** Bytes of the length field. */
export const LENGTH_BYTES = 4
/** Bytes of length, type, flags and call id. */
export const HEADER_BYTES = 10
/** Calls are numbered from 1; a connection is replaced before they run out. */
export const CALL_ID_MAX = 0xffff_ffff

const NAMES = Object.keys(FRAMES) as FrameName[]

interface CompiledFrame {
  readonly name: FrameName
  readonly spec: FrameSpec
  readonly flagMask: number
  readonly fields: readonly (readonly [string, FieldType])[]
}

const BY_TYPE: readonly (CompiledFrame | undefined)[] = compile()

function compile(): (CompiledFrame | undefined)[] {
  const byType: (CompiledFrame | undefined)[] = new Array(256).fill(undefined)
  for (const name of NAMES) {
    const spec: FrameSpec = FRAMES[name]
    const flagMask = Object.values(spec.flags).reduce((mask, bit) => mask | bit, 0)
    byType[spec.type] = { name, spec, flagMask, fields: Object.entries(spec.fields) }
  }
  return byType
}

/** Appends one frame. The values must fit their fields: callers check lengths that users control. */
export function encodeFrame<Name extends FrameName>(
  writer: ByteWriter,
  name: Name,
  callId: number,
  flags: number,
  values: FrameFields<Name>,
): void {
  const start = beginFrame(writer, FRAMES[name].type, flags, callId)
  const source = values as Readonly<Record<string, number | string | Uint8Array>>
  for (const [field, type] of Object.entries(FRAMES[name].fields) as [string, FieldType][])
    encodeField(writer, type, source[field]!)
  endFrame(writer, start)
}

/** Writes a header whose length is not known yet; returns where the frame starts. */
export function beginFrame(writer: ByteWriter, type: number, flags: number, callId: number): number {
  const start = writer.length
  writer.uint32(0)
  writer.uint8(type)
  writer.uint8(flags)
  writer.uint32(callId)
  return start
}

export function endFrame(writer: ByteWriter, start: number): void {
  writer.setUint32At(start, writer.length - start - LENGTH_BYTES)
}

function encodeField(writer: ByteWriter, type: FieldType, value: number | string | Uint8Array): void {
  switch (type) {
    case 'u8':
      writer.uint8(value as number)
      return
    case 'u16':
      writer.uint16(value as number)
      return
    case 'u32':
      writer.uint32(value as number)
      return
    case 'text8': {
      const at = writer.length
      writer.uint8(0)
      writer.setUint8At(at, fitting(writer.utf8(value as string), 0xff))
      return
    }
    case 'text16': {
      const at = writer.length
      writer.uint16(0)
      const length = fitting(writer.utf8(value as string), 0xffff)
      writer.setUint8At(at, length >> 8)
      writer.setUint8At(at + 1, length & 0xff)
      return
    }
    case 'bytes8':
      writer.uint8(fitting((value as Uint8Array).length, 0xff))
      writer.bytes(value as Uint8Array)
      return
    case 'bytes16':
      writer.uint16(fitting((value as Uint8Array).length, 0xffff))
      writer.bytes(value as Uint8Array)
      return
    case 'opaque8':
    case 'rest':
      writer.bytes(value as Uint8Array)
  }
}

function fitting(length: number, max: number): number {
  if (length > max) throw rpcError('RPC_PAYLOAD_TOO_LARGE', `a field of ${length} bytes; at most ${max} fit`)
  return length
}

/** Reads the frame in [start, end), header included. Throws `RPC_FRAME_INVALID`. */
export function decodeFrame(bytes: Uint8Array, start: number, end: number): AnyFrame {
  const reader = new ByteReader(bytes, start, end)
  try {
    reader.skip(LENGTH_BYTES)
    const type = reader.uint8()
    const flags = reader.uint8()
    const callId = reader.uint32()
    const frame = BY_TYPE[type]
    if (frame === undefined) throw invalid(`frame type 0x${type.toString(16)} is not in the table`)
    checkHeader(frame, flags, callId)
    const fields: Record<string, number | string | Uint8Array> = {}
    for (const [name, field] of frame.fields) fields[name] = decodeField(reader, field)
    reader.finish()
    return { name: frame.name, flags, callId, fields } as AnyFrame
  } catch (cause) {
    if (cause instanceof FenbuError && cause.code.startsWith('BYTES_'))
      throw rpcError('RPC_FRAME_INVALID', `malformed frame: ${cause.message}`, { cause })
    throw cause
  }
}

/** The rules of the header that hold for every frame. */
function checkHeader(frame: CompiledFrame, flags: number, callId: number): void {
  if ((flags & ~frame.flagMask) !== 0)
    throw invalid(
      `${frame.name} has flags 0x${flags.toString(16)}; known are 0x${frame.flagMask.toString(16)}`,
    )
  if ((callId === 0) !== (frame.spec.scope === 'connection'))
    throw invalid(`${frame.name} has call id ${callId}; it belongs to the ${frame.spec.scope}`)
}

function decodeField(reader: ByteReader, type: FieldType): number | string | Uint8Array {
  switch (type) {
    case 'u8':
      return reader.uint8()
    case 'u16':
      return reader.uint16()
    case 'u32':
      return reader.uint32()
    case 'text8':
      return reader.utf8(reader.uint8())
    case 'text16':
      return reader.utf8(reader.uint16())
    case 'bytes8':
      return reader.bytes(reader.uint8())
    case 'bytes16':
      return reader.bytes(reader.uint16())
    case 'opaque8':
      return reader.bytes(8)
    case 'rest':
      return reader.bytes(reader.remaining)
  }
}

function invalid(message: string): FenbuError {
  return rpcError('RPC_FRAME_INVALID', message)
}
