import type { ByteWriter } from '../../../bytes/index.ts'
import type { Codec } from './codec.ts'
import type { Dates } from './dates.ts'
import { MessagePackDecoder } from './messagepack-decoder.ts'
import { encodeMessagePack } from './messagepack-encoder.ts'

/** The default codec. Everything plain survives, also bigint, Date, Map, Set, Uint8Array and undefined. */
export function messagePackCodec(dates: Dates): Codec {
  const decoder = new MessagePackDecoder(dates)
  return {
    name: 'messagepack',
    encode: (writer: ByteWriter, value: unknown) => encodeMessagePack(writer, value, dates),
    decode: (bytes, start, end) => decoder.decode(bytes, start, end),
  }
}
