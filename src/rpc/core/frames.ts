/** How a field lies in the body of a frame; integers are big-endian, texts UTF-8. */
export type FieldType =
  | 'u8'
  | 'u16'
  | 'u32'
  /** u8 length, then that many bytes of UTF-8. */
  | 'text8'
  /** u16 length, then that many bytes of UTF-8. */
  | 'text16'
  /** u8 length, then that many bytes. */
  | 'bytes8'
  /** u16 length, then that many bytes. */
  | 'bytes16'
  /** Exactly eight bytes that only their sender understands. */
  | 'opaque8'
  /** Everything up to the end of the frame; only as the last field. */
  | 'rest'

export interface FrameSpec {
  readonly type: number
  /** Who may send it. */
  readonly from: 'client' | 'server' | 'both'
  /** `connection`: the call id is 0. `call`: it is not. */
  readonly scope: 'connection' | 'call'
  /** The protocol version that introduced it. */
  readonly since: number
  /** `reserved`: type and fields are fixed, and version 1 refuses it. */
  readonly state: 'live' | 'reserved'
  /** Bits of the flags byte; all others are 0. */
  readonly flags: Readonly<Record<string, number>>
  /** In the order of the wire. */
  readonly fields: Readonly<Record<string, FieldType>>
}

/**
 * Every frame of the protocol. Encoder, decoder, fuzzer and `docs/internals/rpc.md` read this table.
 * On the wire: `u32 length | u8 type | u8 flags | u32 callId | fields`, where length counts what follows it.
 */
export const FRAMES = {
  HELLO: {
    type: 0x01,
    from: 'both',
    scope: 'connection',
    since: 1,
    state: 'live',
    flags: {},
    fields: {
      versionMin: 'u16',
      versionMax: 'u16',
      maxFrameBytes: 'u32',
      maxInFlight: 'u32',
      maxDefinitions: 'u16',
      features: 'u32',
      codecs: 'bytes8',
      instanceId: 'text8',
    },
  },
  DEFINE: {
    type: 0x02,
    from: 'client',
    scope: 'connection',
    since: 1,
    state: 'live',
    flags: {},
    fields: { methodId: 'u16', service: 'text8', group: 'text8', version: 'text8', method: 'text8' },
  },
  CALL: {
    type: 0x03,
    from: 'client',
    scope: 'call',
    since: 1,
    state: 'live',
    flags: { idempotent: 0x01 },
    fields: { methodId: 'u16', timeoutMs: 'u32', attempt: 'u8', metadata: 'bytes16', args: 'rest' },
  },
  RESULT: {
    type: 0x04,
    from: 'server',
    scope: 'call',
    since: 1,
    state: 'live',
    flags: {},
    fields: { handlerMicros: 'u32', value: 'rest' },
  },
  ERROR: {
    type: 0x05,
    from: 'server',
    scope: 'call',
    since: 1,
    state: 'live',
    flags: { elsewhere: 0x01 },
    fields: { handlerMicros: 'u32', outcome: 'u8', code: 'text8', message: 'text16', details: 'rest' },
  },
  CANCEL: {
    type: 0x06,
    from: 'client',
    scope: 'call',
    since: 1,
    state: 'live',
    flags: {},
    fields: { reason: 'u8' },
  },
  PING: {
    type: 0x07,
    from: 'both',
    scope: 'connection',
    since: 1,
    state: 'live',
    flags: {},
    fields: { token: 'opaque8' },
  },
  PONG: {
    type: 0x08,
    from: 'both',
    scope: 'connection',
    since: 1,
    state: 'live',
    flags: {},
    fields: { token: 'opaque8' },
  },
  GOAWAY: {
    type: 0x09,
    from: 'server',
    scope: 'connection',
    since: 1,
    state: 'live',
    flags: {},
    fields: { lastCallId: 'u32', reason: 'u8', drainMs: 'u32', message: 'text16' },
  },
  DATA: {
    type: 0x10,
    from: 'both',
    scope: 'call',
    since: 1,
    state: 'reserved',
    flags: { fragment: 0x01 },
    fields: { value: 'rest' },
  },
  END: {
    type: 0x11,
    from: 'both',
    scope: 'call',
    since: 1,
    state: 'reserved',
    flags: {},
    fields: {},
  },
  CREDIT: {
    type: 0x12,
    from: 'both',
    scope: 'call',
    since: 1,
    state: 'reserved',
    flags: {},
    fields: { bytes: 'u32' },
  },
  ONEWAY: {
    type: 0x13,
    from: 'client',
    scope: 'call',
    since: 1,
    state: 'reserved',
    flags: {},
    fields: { methodId: 'u16', metadata: 'bytes16', args: 'rest' },
  },
} as const

export type FrameName = keyof typeof FRAMES

type FieldValue<Type> = Type extends 'u8' | 'u16' | 'u32'
  ? number
  : Type extends 'text8' | 'text16'
    ? string
    : Uint8Array

/** The fields of one frame as values. */
export type FrameFields<Name extends FrameName> = {
  readonly [Field in keyof (typeof FRAMES)[Name]['fields']]: FieldValue<
    (typeof FRAMES)[Name]['fields'][Field]
  >
}

/** One decoded frame; bytes share memory with the buffer it was read from. */
export interface Frame<Name extends FrameName> {
  readonly name: Name
  readonly flags: number
  readonly callId: number
  readonly fields: FrameFields<Name>
}

export type AnyFrame = { [Name in FrameName]: Frame<Name> }[FrameName]

/** Why the caller no longer wants an answer. */
export const CANCEL_REASON = { aborted: 1, deadline: 2, silent: 3 } as const

/** Why a server goes away. */
export const GOAWAY_REASON = { draining: 1, versionMismatch: 2, codecMismatch: 3, violation: 4 } as const
