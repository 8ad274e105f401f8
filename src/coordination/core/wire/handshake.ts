import type { ByteReader, ByteWriter } from '../../../bytes/index.ts'
import { boolean, buffer, int, type JuteRecord, long, record } from './jute.ts'

export const PASSWORD_BYTES = 16

interface ConnectRequestFields {
  readonly protocolVersion: number
  readonly lastZxidSeen: bigint
  readonly timeoutMs: number
  /** 0 asks for a new session. */
  readonly sessionId: bigint
  readonly password: Uint8Array | null
}

/** First packet of a client: no header, and the last byte is missing from old clients. */
export interface ConnectRequest extends ConnectRequestFields {
  /** Undefined: the client did not send the byte, and must not be sent it. */
  readonly readOnly: boolean | undefined
}

interface ConnectResponseFields {
  readonly protocolVersion: number
  /** Negotiated; 0 refuses: the session is unknown, expired, or not the caller's. */
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Uint8Array | null
}

export interface ConnectResponse extends ConnectResponseFields {
  /** Sent only to a client that sent its own. */
  readonly readOnly: boolean | undefined
}

const connectRequestFields: JuteRecord<ConnectRequestFields> = record('ConnectRequest', {
  protocolVersion: int,
  lastZxidSeen: long,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
})

const connectResponseFields: JuteRecord<ConnectResponseFields> = record('ConnectResponse', {
  protocolVersion: int,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
})

export function readConnectRequest(reader: ByteReader): ConnectRequest {
  const fields = connectRequestFields.read(reader)
  return { ...fields, readOnly: readOptionalBoolean(reader) }
}

export function writeConnectRequest(writer: ByteWriter, request: ConnectRequest): void {
  connectRequestFields.write(writer, request)
  if (request.readOnly !== undefined) writer.boolean(request.readOnly)
}

export function readConnectResponse(reader: ByteReader): ConnectResponse {
  const fields = connectResponseFields.read(reader)
  return { ...fields, readOnly: readOptionalBoolean(reader) }
}

export function writeConnectResponse(writer: ByteWriter, response: ConnectResponse): void {
  connectResponseFields.write(writer, response)
  if (response.readOnly !== undefined) writer.boolean(response.readOnly)
}

function readOptionalBoolean(reader: ByteReader): boolean | undefined {
  return reader.remaining === 0 ? undefined : boolean.read(reader)
}
