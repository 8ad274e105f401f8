import { coordinationError } from '../errors.ts'

/** ZooKeeper's `jute.maxbuffer`: the largest packet in either direction, without its length field. */
export const MAX_PACKET_BYTES = 0xfffff

/** Bytes of the length in front of every packet. */
export const FRAME_HEADER_BYTES = 4

/**
 * Length of the frame that starts at `start`, its length field included, or undefined while that field is
 * incomplete. Throws `COORDINATION_PACKET_TOO_LARGE` for a negative length or one above `maxPacketBytes`.
 */
export function frameBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxPacketBytes: number = MAX_PACKET_BYTES,
): number | undefined {
  if (end - start < FRAME_HEADER_BYTES) return undefined
  const length =
    (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!
  if (length < 0 || length > maxPacketBytes)
    throw coordinationError(
      'COORDINATION_PACKET_TOO_LARGE',
      `packet claims ${length} bytes; allowed: 0 to ${maxPacketBytes}`,
    )
  return FRAME_HEADER_BYTES + length
}
