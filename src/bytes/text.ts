import { bytesError } from './errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const SLOTS = 4096
/** Longer texts are seldom the same twice. With `SLOTS` it bounds what is kept: 256 KiB of text. */
const KEPT_BYTES_MAX = 64

/** The hash of the text that was last read into each slot, and the text once it was read twice in a row. */
const hashes: Int32Array = new Int32Array(SLOTS)
const kept: string[] = new Array<string>(SLOTS).fill('')

/**
 * The text of `bytes[start, end)` as UTF-8; ill-formed text is `BYTES_INVALID`. The names that a protocol sends over
 * and over (paths, methods, exchanges) are kept, so that they are made only once and carry the hash a Map needs.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > KEPT_BYTES_MAX) return decode(bytes, start, end)
  const hash = hashOf(bytes, start, end)
  // The low bits alone would depend on the low bits of the bytes only.
  const slot = (hash ^ (hash >>> 12) ^ (hash >>> 24)) & (SLOTS - 1)
  if (hashes[slot] !== hash) {
    hashes[slot] = hash
    return decode(bytes, start, end)
  }
  const known = kept[slot]!
  if (isSame(known, bytes, start, end)) return known
  const text = decode(bytes, start, end)
  // One unit for each byte: all ASCII, which `isSame` takes for granted.
  if (text.length === end - start) kept[slot] = text
  return text
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  try {
    return utf8.decode(bytes.subarray(start, end))
  } catch {
    throw bytesError('BYTES_INVALID', `text at byte ${start} is not UTF-8`)
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash
}

function isSame(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
