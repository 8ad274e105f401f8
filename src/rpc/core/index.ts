export { ClientCalls, type LostCalls, type WrittenCall } from './client-calls.ts'
export { type Codec, DEPTH_MAX } from './codec/codec.ts'
export type { Dates } from './codec/dates.ts'
export { jsonCodec } from './codec/json.ts'
export { messagePackCodec } from './codec/messagepack.ts'
export { Deadline, DeadlineWheel, TICK_MS } from './deadline-wheel.ts'
export { DEFINITIONS_MAX, Definitions } from './definitions.ts'
export { RPC_ERRORS, type RpcErrorCode, rpcError } from './errors.ts'
export {
  beginFrame,
  CALL_ID_MAX,
  decodeFrame,
  encodeFrame,
  endFrame,
  HEADER_BYTES,
  LENGTH_BYTES,
} from './frame-codec.ts'
export { permittedFrame } from './frame-rules.ts'
export {
  type AnyFrame,
  CANCEL_REASON,
  type FieldType,
  FRAMES,
  type Frame,
  type FrameFields,
  type FrameName,
  type FrameSpec,
  GOAWAY_REASON,
} from './frames.ts'
export {
  type Agreement,
  agree,
  CODEC_IDS,
  type CodecName,
  FEATURES,
  type Hello,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from './handshake.ts'
export {
  CallView,
  encodeCall,
  encodeResult,
  frameCallId,
  frameType,
  resultHandlerMicros,
  resultValueStart,
} from './hot-frames.ts'
export {
  decodeMetadata,
  encodeMetadata,
  IDEMPOTENCY_KEY,
  INHERITED_KEYS,
  inheritedMetadata,
  METADATA_BYTES_MAX,
  METADATA_ENTRIES_MAX,
  type Metadata,
  NO_METADATA,
} from './metadata.ts'
export { checkPreface, FRAMING_VERSION, frameLength, isPreface, PREFACE } from './preface.ts'
export { decodeError, encodeError, RemoteError, type RemoteFailure } from './remote-failure.ts'
export {
  IDEMPOTENT_METADATA,
  isLocalName,
  LOCAL_NAMES,
  type LocalName,
  type MethodName,
} from './remote-names.ts'
export { type Admission, ServerCalls } from './server-calls.ts'
export { type ProvidedMethod, type ProvidedService, ServiceTable } from './service-table.ts'
export { checkVersion, compareVersions, VersionRange } from './version-range.ts'
