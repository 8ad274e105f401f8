import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../../base/index.ts'

export type RpcErrorCode =
  | 'RPC_PREFACE_INVALID'
  | 'RPC_VERSION_MISMATCH'
  | 'RPC_CODEC_MISMATCH'
  | 'RPC_FRAME_INVALID'
  | 'RPC_FRAME_UNSUPPORTED'
  | 'RPC_PROTOCOL_VIOLATION'
  | 'RPC_DEFINITION_LIMIT'
  | 'RPC_NO_INSTANCE'
  | 'RPC_UNREACHABLE'
  | 'RPC_CONNECTION_LOST'
  | 'RPC_INSTANCE_SILENT'
  | 'RPC_DEADLINE_EXCEEDED'
  | 'RPC_CANCELLED'
  | 'RPC_OVERLOADED'
  | 'RPC_QUEUE_FULL'
  | 'RPC_DRAINING'
  | 'RPC_NO_SUCH_SERVICE'
  | 'RPC_NO_SUCH_METHOD'
  | 'RPC_BODY_INVALID'
  | 'RPC_VALUE_UNENCODABLE'
  | 'RPC_PAYLOAD_TOO_LARGE'
  | 'RPC_METADATA_INVALID'
  | 'RPC_INTERNAL'
  | 'RPC_STREAMS_UNSUPPORTED'
  | 'RPC_NOT_A_STREAM'
  | 'RPC_NOT_REMOTE'
  | 'RPC_METHODS_INVALID'
  | 'RPC_ALREADY_PROVIDED'
  | 'RPC_NO_CURRENT_CALL'
  | 'RPC_CLOSED'

/** Errors of calls and of the connections that carry them. */
export const RPC_ERRORS: ErrorTable<RpcErrorCode> = {
  RPC_PREFACE_INVALID: {
    outcome: 'not-executed',
    meaning: 'The first bytes of a connection are not those of this protocol.',
    remedy: 'Check host and port: something else listens or calls there.',
  },
  RPC_VERSION_MISMATCH: {
    outcome: 'not-executed',
    meaning: 'The two sides have no protocol version in common.',
    remedy: 'The message gives both ranges; upgrade the older side.',
  },
  RPC_CODEC_MISMATCH: {
    outcome: 'not-executed',
    meaning: 'The two sides have no codec in common.',
    remedy: 'Allow messagepack or json on both sides.',
  },
  RPC_FRAME_INVALID: {
    outcome: 'unknown',
    meaning: 'A frame has an unknown type or fields that do not fit; the connection was closed.',
    remedy: 'The peer is broken, hostile, or speaks another version.',
  },
  RPC_FRAME_UNSUPPORTED: {
    outcome: 'not-executed',
    meaning: 'A frame type is reserved for a feature that this version does not have.',
    remedy: 'Send such frames only after the peer announced the feature in its HELLO.',
  },
  RPC_PROTOCOL_VIOLATION: {
    outcome: 'unknown',
    meaning: 'A frame came where the protocol does not allow it; the connection was closed.',
    remedy: 'The peer is broken or hostile; the message names the rule.',
  },
  RPC_DEFINITION_LIMIT: {
    outcome: 'not-executed',
    meaning: 'A connection defined more methods than the server keeps for one connection.',
    remedy: 'Open another connection for further methods, as the client of this library does by itself.',
  },
  RPC_NO_INSTANCE: {
    outcome: 'not-executed',
    meaning: 'The registry lists no instance of the service that fits version and group and takes calls.',
    remedy: 'Start a provider, or correct service, version or group; the message says what is listed.',
  },
  RPC_UNREACHABLE: {
    outcome: 'not-executed',
    meaning: 'No connection to the instance could be made.',
    remedy: 'Check that the provider runs and that its registered address can be reached; see the cause.',
  },
  RPC_CONNECTION_LOST: {
    outcome: 'unknown',
    meaning: 'The connection broke while the call was under way.',
    remedy: 'Call again if the method may run twice; declare it idempotent to have that done for you.',
  },
  RPC_INSTANCE_SILENT: {
    outcome: 'unknown',
    meaning: 'The instance gave no sign of life while the call was under way, and the attempt was given up.',
    remedy: 'The provider is frozen, blocks its event loop, or the network swallows its packets.',
  },
  RPC_DEADLINE_EXCEEDED: {
    outcome: 'unknown',
    meaning: 'The call took longer than its deadline allows.',
    remedy: 'Raise timeoutMs, or make the method faster; look at the journey of the call for the slow part.',
  },
  RPC_CANCELLED: {
    outcome: 'unknown',
    meaning: 'The caller no longer wants the answer.',
    remedy: 'Nothing: a handler sees this as the reason of its signal.',
  },
  RPC_OVERLOADED: {
    outcome: 'not-executed',
    meaning: 'The server has as many calls in flight as it allows, and refused this one before the handler.',
    remedy: 'Call less at once, add providers, or raise maxInFlight.',
  },
  RPC_QUEUE_FULL: {
    outcome: 'not-executed',
    meaning:
      'Too many calls wait for a connection to this address, for its answers, or for the first list of instances.',
    remedy:
      'The registry or the provider is unreachable, or too slow for this load; call less at once or add providers.',
  },
  RPC_DRAINING: {
    outcome: 'not-executed',
    meaning: 'The server is about to stop and takes no new calls.',
    remedy: 'Call another instance, as the client of this library does by itself.',
  },
  RPC_NO_SUCH_SERVICE: {
    outcome: 'not-executed',
    meaning: 'The server provides no such service in that group and version.',
    remedy: 'Check name, group and version; the registry may list an instance that is gone.',
  },
  RPC_NO_SUCH_METHOD: {
    outcome: 'not-executed',
    meaning: 'The service has no remote method of that name.',
    remedy: 'Check the name; a class instance exposes only what provide() lists in methods.',
  },
  RPC_BODY_INVALID: {
    outcome: 'not-executed',
    meaning: 'Arguments or a result cannot be decoded.',
    remedy: 'The sender is broken or hostile, or nests deeper than 64 levels.',
  },
  RPC_VALUE_UNENCODABLE: {
    outcome: 'not-executed',
    meaning: 'A value has no form on the wire, such as a function, a promise or a cycle.',
    remedy: 'Pass plain data: objects, arrays, strings, numbers, bigint, Date, Map, Set, Uint8Array.',
  },
  RPC_PAYLOAD_TOO_LARGE: {
    outcome: 'not-executed',
    meaning: 'A message is longer than the peer accepts.',
    remedy: 'Send less at once, or raise maxFrameBytes at the receiver.',
  },
  RPC_METADATA_INVALID: {
    outcome: 'not-executed',
    meaning: 'The metadata of a call is malformed or above its bounds.',
    remedy: 'Metadata is for a few short texts: at most 64 entries and 8 KiB.',
  },
  RPC_INTERNAL: {
    outcome: 'unknown',
    meaning: 'The handler failed with an error that is not meant for callers.',
    remedy:
      'Look for the id of the message in the log of the provider; throw a FenbuError to tell callers more.',
  },
  RPC_STREAMS_UNSUPPORTED: {
    outcome: 'executed',
    meaning: 'The method returned a stream, which this version cannot carry.',
    remedy: 'Return a value or a promise of one.',
  },
  RPC_NOT_A_STREAM: {
    outcome: 'executed',
    meaning: 'The answer of a method that returns one value was iterated.',
    remedy: 'Use await instead of for await.',
  },
  RPC_NOT_REMOTE: {
    outcome: 'not-executed',
    meaning: 'A property that is never remote was used like a remote method, or a proxy was written to.',
    remedy: 'Rename the method; then, catch, finally, with and toJSON stay local.',
  },
  RPC_METHODS_INVALID: {
    outcome: 'not-executed',
    meaning: 'What was given to provide() does not say which methods are remote.',
    remedy: 'Give a plain object of functions, or list the methods of a class instance in options.methods.',
  },
  RPC_ALREADY_PROVIDED: {
    outcome: 'not-executed',
    meaning: 'This server already provides that service in the same group and version.',
    remedy: 'Withdraw the first one, or use another group or version.',
  },
  RPC_NO_CURRENT_CALL: {
    outcome: 'not-executed',
    meaning: 'currentCall() was used outside a handler.',
    remedy: 'Use it in a remote method or in what that method awaits.',
  },
  RPC_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The client or server was closed.',
    remedy: 'Do not use it after close().',
  },
}

export const rpcError: (
  code: RpcErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<RpcErrorCode> = errorFactory(RPC_ERRORS)
