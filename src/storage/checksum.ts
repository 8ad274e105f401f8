import { crc32 as nativeCrc32 } from 'node:zlib'
import { crc32 } from '../bytes/index.ts'

/** From here on the call out of JavaScript is the cheaper one. */
const NATIVE_BYTES_MIN = 512

/** CRC-32 of `bytes[start, end)`, seeded: the same function as `crc32` of `bytes`, faster for whole batches. */
export function checksum(bytes: Uint8Array, start: number, end: number, seed: number): number {
  if (end - start < NATIVE_BYTES_MIN) return crc32(bytes, start, end, seed)
  return nativeCrc32(bytes.subarray(start, end), seed)
}
