import {
  CODEC_IDS,
  type Codec,
  type CodecName,
  type Dates,
  jsonCodec,
  messagePackCodec,
} from './core/index.ts'

const dates: Dates = {
  toMs: (value) => (value instanceof Date ? value.getTime() : undefined),
  fromMs: (ms) => new Date(ms),
}

/** Codecs keep buffers and caches but no state between messages: one of each serves the process. */
const CODECS: Readonly<Record<CodecName, Codec>> = { messagepack: messagePackCodec(dates), json: jsonCodec() }

export function codecNamed(name: CodecName): Codec {
  return CODECS[name]
}

/** The `codecs` field of HELLO. */
export function codecIds(names: readonly CodecName[]): Uint8Array {
  return Uint8Array.from(names, (name) => CODEC_IDS[name])
}
