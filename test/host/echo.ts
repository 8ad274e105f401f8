import { type Connection, type ConnectionHandler, hostError, type Protocol } from '../../src/host/index.ts'

/** A length in four bytes, then that many bytes; the smallest protocol that can be lied in. */
export const echoProtocol: Protocol = {
  name: 'echo',
  frameLength: (bytes, start, end) => (end - start < 4 ? 0 : 4 + lengthAt(bytes, start)),
}

export function frameOf(body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body)
  const frame = Buffer.alloc(4 + bytes.length)
  frame.writeInt32BE(bytes.length)
  frame.set(bytes, 4)
  return frame
}

/** Answers every frame with itself. */
export function echo(connection: Connection): ConnectionHandler {
  connection.established()
  return {
    frame: (bytes, start, end) => connection.writer.bytes(bytes.subarray(start, end)),
    closed: () => {},
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  if (length < 0) throw hostError('HOST_FRAME_INVALID', `echo frame announces ${length} bytes`)
  return length
}
