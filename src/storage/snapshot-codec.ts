import { ByteReader, ByteWriter, crc32 } from '../bytes/index.ts'
import { checksum } from './checksum.ts'
import { storageError } from './errors.ts'

// A snapshot file, big-endian: a header, chunks, an end.
//
//   0  8  magic "FENBUSNP"
//   8  2  format version
//  10  2  zero
//  12  4  level of the rules the state was made by
//  16  8  index of the last entry in the state
//  24  8  epoch of that entry
//  32  8  leaseMs of that entry
//  40  4  digest of the state
//  44  4  CRC-32 of bytes 0 to 43: it seeds the CRCs of the chunks, so that none fits into another snapshot
//
// then per chunk: 4 length (not zero), 4 CRC-32 of the bytes seeded with header CRC and the chunk's number, bytes;
// then the end: 4 zero, 4 CRC-32 seeded as for a chunk, of the 8 bytes that follow: number of chunks.

export const SNAPSHOT_HEADER_BYTES = 48
export const CHUNK_HEADER_BYTES = 8
export const SNAPSHOT_END_BYTES = 16
const MAGIC = new TextEncoder().encode('FENBUSNP')
const VERSION = 1
const CHECKED_BYTES = 44

/** What a snapshot is of. */
export interface SnapshotInfo {
  /** The last entry in the state. */
  readonly index: number
  readonly epoch: number
  readonly leaseMs: number
  /** Of the machine that wrote it. */
  readonly level: number
  /** `digest()` of the state: whoever loads it compares. */
  readonly digest: number
}

export function encodeSnapshotHeader(info: SnapshotInfo): Uint8Array {
  const writer = new ByteWriter(SNAPSHOT_HEADER_BYTES)
  writer.bytes(MAGIC)
  writer.uint16(VERSION)
  writer.uint16(0)
  writer.uint32(info.level)
  writer.counter(info.index)
  writer.counter(info.epoch)
  writer.counter(info.leaseMs)
  writer.uint32(info.digest)
  writer.uint32(crc32(writer.view()))
  return writer.copyAndReset()
}

/** Throws `STORAGE_FOREIGN`, `STORAGE_VERSION` or `STORAGE_CORRUPT`; `path` is for their messages. */
export function decodeSnapshotHeader(bytes: Uint8Array, path: string): SnapshotInfo {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) throw damaged(path, bytes.length)
  const reader = new ByteReader(bytes)
  if (!MAGIC.every((byte) => byte === reader.uint8()))
    throw storageError('STORAGE_FOREIGN', `${path} is not a snapshot of fenbu; move it away`)
  const version = reader.uint16()
  if (version !== VERSION)
    throw storageError(
      'STORAGE_VERSION',
      `${path} has format version ${version}; this fenbu reads ${VERSION}`,
    )
  if (crc32(bytes, 0, CHECKED_BYTES) !== snapshotSeed(bytes)) throw damaged(path, 0)
  reader.skip(2)
  return {
    level: reader.uint32(),
    index: reader.counter(),
    epoch: reader.counter(),
    leaseMs: reader.counter(),
    digest: reader.uint32(),
  }
}

/** Seeds the CRCs of a snapshot's chunks. */
export function snapshotSeed(header: Uint8Array): number {
  return new ByteReader(header, CHECKED_BYTES).uint32()
}

/** A chunk with its header, as it stands in the file; `number` counts from 0. */
export function encodeChunk(chunk: Uint8Array, number: number, seed: number): Uint8Array {
  const writer = new ByteWriter(CHUNK_HEADER_BYTES + chunk.length)
  writer.uint32(chunk.length)
  writer.uint32(chunkCrc(chunk, number, seed))
  writer.bytes(chunk)
  return writer.view()
}

export function encodeSnapshotEnd(chunks: number, seed: number): Uint8Array {
  const writer = new ByteWriter(SNAPSHOT_END_BYTES)
  writer.counter(chunks)
  const count = writer.copyAndReset()
  writer.uint32(0)
  writer.uint32(chunkCrc(count, chunks, seed))
  writer.bytes(count)
  return writer.view()
}

export function chunkCrc(bytes: Uint8Array, number: number, seed: number): number {
  const position = new Uint8Array(4)
  new DataView(position.buffer).setUint32(0, number)
  return checksum(bytes, 0, bytes.length, crc32(position, 0, 4, seed))
}

export function damaged(path: string, at: number): Error {
  return storageError('STORAGE_CORRUPT', `${path}: damaged at byte ${at}`)
}
