import type { ByteWriter } from '../../../bytes/index.ts'
import { RESERVED_XID } from './headers.ts'
import { int, type JuteRecord, record, ustring } from './jute.ts'

export const EVENT_TYPE = {
  /** The connection's state changed; made by the client, not sent. */
  NONE: -1,
  CREATED: 1,
  DELETED: 2,
  DATA_CHANGED: 3,
  CHILDREN_CHANGED: 4,
} as const
export type EventType = (typeof EVENT_TYPE)[keyof typeof EVENT_TYPE]

/** What happened to a node; its parent's `CHILDREN_CHANGED` follows from it. */
export type ChangeType =
  | typeof EVENT_TYPE.CREATED
  | typeof EVENT_TYPE.DELETED
  | typeof EVENT_TYPE.DATA_CHANGED

export const KEEPER_STATE = {
  DISCONNECTED: 0,
  /** What a server sends with every event. */
  SYNC_CONNECTED: 3,
  AUTH_FAILED: 4,
  CONNECTED_READ_ONLY: 5,
  SASL_AUTHENTICATED: 6,
  EXPIRED: -112,
  CLOSED: 7,
} as const

export interface WatcherEvent {
  readonly type: number
  readonly state: number
  readonly path: string
}

export const watcherEvent: JuteRecord<WatcherEvent> = record('WatcherEvent', {
  type: int,
  state: int,
  path: ustring,
})

/** A whole event frame. Its header's zxid is -1, as in ZooKeeper up to 3.8. */
export function writeEventFrame(writer: ByteWriter, type: EventType, path: string): void {
  const at = writer.length
  writer.int32(0)
  writer.int32(RESERVED_XID.NOTIFICATION)
  writer.int32(-1)
  writer.int32(-1)
  writer.int32(0)
  writer.int32(type)
  writer.int32(KEEPER_STATE.SYNC_CONNECTED)
  ustring.write(writer, path)
  writer.setInt32At(at, writer.length - at - 4)
}
