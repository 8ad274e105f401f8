import type { JuteRecord } from '../wire/jute.ts'
import { boolean, buffer, type JuteType, record, ustring } from '../wire/jute.ts'
import { type Stat, stat } from '../wire/stat.ts'

/** What exists, getData and getChildren ask: the same record for all of them. */
export interface PathWatchRequest {
  readonly path: string
  readonly watch: boolean
}

/** Written out by hand: every read decodes one. */
export const pathWatchRequest: JuteRecord<PathWatchRequest> = {
  name: 'PathWatchRequest',
  fields: { path: ustring, watch: boolean },
  minBytes: 5,
  read: (reader) => ({ path: ustring.read(reader), watch: reader.boolean() }),
  write(writer, request) {
    ustring.write(writer, request.path)
    writer.boolean(request.watch)
  },
}

export interface PathRequest {
  readonly path: string
}

export const pathRequest: JuteRecord<PathRequest> = record('PathRequest', { path: ustring })

export interface StatReply {
  readonly stat: Stat
}

export const statReply: JuteRecord<StatReply> = record('StatReply', { stat })

export interface DataReply {
  readonly data: Uint8Array | null
  readonly stat: Stat
}

export const dataReply: JuteType<DataReply> = record('DataReply', { data: buffer, stat })

/** Whether a write that names `expected` may change a node of version `actual`. */
export function versionMatches(expected: number, actual: number): boolean {
  return expected === ANY_VERSION || expected === actual
}

export const ANY_VERSION = -1
