import { rpcError } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Texts up to this many bytes are decoded by hand: cheaper than a crossing into the decoder. */
const SHORT_BYTES = 16

/** `length` bytes of UTF-8 at `at`; ill-formed text is `RPC_BODY_INVALID`. */
export function readText(bytes: Uint8Array, at: number, length: number): string {
  if (length <= SHORT_BYTES) {
    const text = readShort(bytes, at, at + length)
    if (text !== undefined) return text
  }
  try {
    return decoder.decode(bytes.subarray(at, at + length))
  } catch (cause) {
    throw rpcError('RPC_BODY_INVALID', 'text that is not UTF-8', { cause })
  }
}

/** Sequences of one and three well-formed bytes (Latin, Chinese); undefined where the decoder must judge. */
function readShort(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let i = start; i < end; i++) {
    let code = bytes[i]!
    if (code >= 0x80) {
      if ((code & 0xf0) !== 0xe0 || i + 2 >= end) return undefined
      const second = bytes[++i]!
      const third = bytes[++i]!
      code = ((code & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
      // Continuation bytes, no overlong form, no half of a surrogate pair (Unicode table 3-7).
      if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80 || code < 0x800 || (code & 0xf800) === 0xd800)
        return undefined
    }
    text += String.fromCharCode(code)
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
