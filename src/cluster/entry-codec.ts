import { ByteReader, ByteWriter } from '../bytes/index.ts'
import type { Entry, Epoch, LogIndex } from '../consensus/index.ts'

// An entry as a record of the log, big-endian; its index is the record's:
//
//   0  8  epoch
//   8  8  wallMs
//  16  8  leaseMs
//  24     data

const HEADER_BYTES = 24

/** What an entry with this much data takes in the log. */
export function entryBytes(dataBytes: number): number {
  return HEADER_BYTES + dataBytes
}

export function encodeEntry(entry: Entry): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + entry.data.length)
  writer.counter(entry.epoch)
  writer.counter(Math.max(0, Math.floor(entry.wallMs)))
  writer.counter(entry.leaseMs)
  writer.bytes(entry.data)
  return writer.view()
}

/** Shares memory with `record`. */
export function decodeEntry(index: number, record: Uint8Array): Entry {
  const reader = new ByteReader(record)
  const epoch = reader.counter() as Epoch
  const wallMs = reader.counter()
  const leaseMs = reader.counter()
  return { index: index as LogIndex, epoch, wallMs, leaseMs, data: reader.bytes(reader.remaining) }
}
