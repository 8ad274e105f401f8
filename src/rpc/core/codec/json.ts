import type { FenbuError } from '../../../base/index.ts'
import type { ByteWriter } from '../../../bytes/index.ts'
import { rpcError } from '../errors.ts'
import { type Codec, DEPTH_MAX } from './codec.ts'
import { unencodable } from './plain-value.ts'
import { readText } from './text.ts'

/**
 * JSON, for people and for other languages: what JSON cannot say is refused (bigint, Map, Set, bytes) instead of
 * being changed on the way; Date becomes text, as everywhere in JSON; undefined becomes null.
 */
export function jsonCodec(): Codec {
  return { name: 'json', encode: encodeJson, decode: decodeJson }
}

function encodeJson(writer: ByteWriter, value: unknown): void {
  let text: string | undefined
  try {
    text = JSON.stringify(value === undefined ? null : value, refuseLossy)
  } catch (cause) {
    throw cause instanceof TypeError || cause instanceof RangeError
      ? unencodable(`JSON: ${cause.message}`)
      : cause
  }
  if (text === undefined) throw unencodable(`a ${typeof value} cannot be sent as JSON`)
  const tooDeep = depthProblem(text)
  if (tooDeep) throw unencodable(tooDeep)
  writer.utf8(text)
}

function refuseLossy(_key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw unencodable(`a ${typeof value} cannot be sent as JSON`)
  if (typeof value === 'object' && value !== null)
    if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value) || value instanceof Promise)
      throw unencodable('JSON has no Map, Set, bytes or promises; use the messagepack codec')
  return value
}

function decodeJson(bytes: Uint8Array, start: number, end: number): unknown {
  const text = readText(bytes, start, end - start)
  const problem = depthProblem(text)
  if (problem) throw invalid(problem)
  try {
    // The reviver walks every value, so it runs only for texts that could hide the key, escaped or not.
    return text.includes('__proto__') || text.includes('\\u')
      ? JSON.parse(text, refusePrototype)
      : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw invalid('not JSON')
    throw cause
  }
}

function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw invalid('a key __proto__')
  return value
}

/** Scans brackets outside texts: parsing a million of them would already cost seconds. */
function depthProblem(text: string): string | undefined {
  // So few characters cannot open and close more.
  if (text.length <= DEPTH_MAX * 2) return undefined
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfText(text, i)
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX} levels`
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Index of the quotation mark that closes the text opened at `open`. */
function endOfText(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close !== -1; close = text.indexOf('"', close + 1)) {
    let backslashes = 0
    while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return close
  }
  return text.length
}

function invalid(what: string): FenbuError {
  return rpcError('RPC_BODY_INVALID', `JSON: ${what}`)
}
