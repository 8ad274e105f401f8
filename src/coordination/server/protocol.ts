import type { Protocol } from '../../host/index.ts'
import { frameBytes, MAX_PACKET_BYTES } from '../core/index.ts'
import { WORD_BYTES, wordAt } from './four-letter-words.ts'

/** Packets with a length in front, and the four-letter words that may stand instead of the first. */
export const zookeeperProtocol: Protocol = {
  name: 'zookeeper',
  frameLength(bytes, start, end) {
    if (bytes[start] === 0 || end - start < WORD_BYTES) return frameBytes(bytes, start, end) ?? 0
    return wordAt(bytes, start, end) === undefined ? (frameBytes(bytes, start, end) ?? 0) : WORD_BYTES
  },
}

/** Length and protocol version of a handshake. */
const HANDSHAKE_START_BYTES = 8

/** Whether a connection begins as ZooKeeper's clients do: a short packet of protocol version 0, or a word. */
export function recognisesZookeeper(bytes: Uint8Array): boolean | undefined {
  if (bytes.length === 0) return undefined
  if (bytes[0] !== 0)
    return bytes.length < WORD_BYTES ? undefined : wordAt(bytes, 0, bytes.length) !== undefined
  if (bytes.length < HANDSHAKE_START_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.getUint32(0) <= MAX_PACKET_BYTES && view.getUint32(4) === 0
}
