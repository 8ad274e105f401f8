import { rpcError } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Texts up to this many bytes are decoded by hand: cheaper than a crossing into the decoder. */
const SHORT_BYTES = 48

/** `length` bytes of UTF-8 at `at`; ill-formed text is `RPC_BODY_INVALID`. */
export function readText(bytes: Uint8Array, at: number, length: number): string {
  if (length <= SHORT_BYTES) {
    const text = readAscii(bytes, at, length)
    if (text !== undefined) return text
  }
  try {
    return decoder.decode(bytes.subarray(at, at + length))
  } catch (cause) {
    throw rpcError('RPC_BODY_INVALID', 'text that is not UTF-8', { cause })
  }
}

function readAscii(bytes: Uint8Array, at: number, length: number): string | undefined {
  let text = ''
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i]!
    if (byte >= 0x80) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

const CACHE_ENTRIES = 512

/** Remembers short ASCII texts that come again and again, such as the keys of records. Bounded, overwrites. */
export class TextCache {
  readonly #texts: string[] = new Array<string>(CACHE_ENTRIES).fill('')

  read(bytes: Uint8Array, at: number, length: number): string {
    if (length === 0) return ''
    const slot = (length * 31 + bytes[at]! * 7 + bytes[at + length - 1]! * 131) & (CACHE_ENTRIES - 1)
    const known = this.#texts[slot]!
    if (known.length === length && equals(known, bytes, at)) return known
    const text = readText(bytes, at, length)
    if (text.length === length) this.#texts[slot] = text
    return text
  }
}

function equals(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false
  return true
}
