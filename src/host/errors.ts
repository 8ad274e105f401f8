import { type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type HostErrorCode =
  | 'HOST_ADDRESS_INVALID'
  | 'HOST_ADDRESS_IN_USE'
  | 'HOST_LISTEN_FAILED'
  | 'HOST_EXPOSED'
  | 'HOST_CONNECT_FAILED'
  | 'HOST_CONNECT_TIMEOUT'
  | 'HOST_CONNECTION_LOST'
  | 'HOST_CONNECTION_CLOSED'
  | 'HOST_TLS_INVALID'
  | 'HOST_TLS_FAILED'
  | 'HOST_TOO_MANY_CONNECTIONS'
  | 'HOST_FRAME_INVALID'
  | 'HOST_FRAME_TOO_LARGE'
  | 'HOST_FRAME_STALLED'
  | 'HOST_HANDSHAKE_TIMEOUT'
  | 'HOST_IDLE'
  | 'HOST_SLOW_READER'
  | 'HOST_OVER_BUDGET'
  | 'HOST_UNKNOWN_PROTOCOL'
  | 'HOST_INTERNAL'

/** Errors of connections and listeners. */
export const HOST_ERRORS: ErrorTable<HostErrorCode> = {
  HOST_ADDRESS_INVALID: {
    outcome: 'not-executed',
    meaning: 'An address or URL cannot be understood.',
    remedy: 'Write host:port or [ipv6]:port, and a URL with a scheme that the message lists.',
  },
  HOST_ADDRESS_IN_USE: {
    outcome: 'not-executed',
    meaning: 'Another process listens on this port.',
    remedy: 'Stop it, choose another port, or use port 0 for a free one.',
  },
  HOST_LISTEN_FAILED: {
    outcome: 'not-executed',
    meaning: 'The operating system refused to listen on the address.',
    remedy:
      'The cause says why: an address of another machine, a port below 1024 without the right, a wrong key.',
  },
  HOST_EXPOSED: {
    outcome: 'not-executed',
    meaning: 'A server was asked to listen beyond this machine without authentication.',
    remedy: 'Listen on 127.0.0.1, require client certificates or authentication, or say insecure explicitly.',
  },
  HOST_CONNECT_FAILED: {
    outcome: 'not-executed',
    meaning: 'No connection could be made.',
    remedy: 'Check that the server runs and that host, port and TLS settings are right; the cause says more.',
  },
  HOST_CONNECT_TIMEOUT: {
    outcome: 'not-executed',
    meaning: 'A connection was not made in time.',
    remedy: 'Check that the host answers; raise connectTimeoutMs on slow networks.',
  },
  HOST_CONNECTION_LOST: {
    outcome: 'unknown',
    meaning: 'The connection broke; what was under way on it may or may not have been done.',
    remedy: 'Retry what is idempotent; the client reconnects by itself.',
  },
  HOST_CONNECTION_CLOSED: {
    outcome: 'not-executed',
    meaning: 'This side closed the connection.',
    remedy: 'Do not use it after close().',
  },
  HOST_TLS_INVALID: {
    outcome: 'not-executed',
    meaning: 'A key or certificate that was configured cannot be used.',
    remedy: 'Pass PEM text; the key must belong to the certificate. The cause says what is wrong.',
  },
  HOST_TLS_FAILED: {
    outcome: 'not-executed',
    meaning:
      'A client did not complete the TLS handshake: it speaks plain text, or has no accepted certificate.',
    remedy:
      'Give the client tls options: the authority as ca, and cert and key where the server requires them.',
  },
  HOST_TOO_MANY_CONNECTIONS: {
    outcome: 'not-executed',
    meaning:
      'A listener holds as many sockets as it may, in all or from this peer; this one was closed at once.',
    remedy: 'Share connections, or raise maxConnections or maxConnectionsPerPeer of the listener.',
  },
  HOST_FRAME_INVALID: {
    outcome: 'not-executed',
    meaning: 'A length field holds a value that no frame can have.',
    remedy: 'The peer is broken or hostile, or speaks another protocol.',
  },
  HOST_FRAME_TOO_LARGE: {
    outcome: 'not-executed',
    meaning:
      'A frame is longer than the limit; it was refused at its length field, before anything was buffered.',
    remedy: 'Send less at once, or raise maxFrameBytes on both sides.',
  },
  HOST_FRAME_STALLED: {
    outcome: 'not-executed',
    meaning: 'A frame was begun and not completed in time.',
    remedy: 'The peer hangs or is hostile; raise partialFrameTimeoutMs on very slow networks.',
  },
  HOST_HANDSHAKE_TIMEOUT: {
    outcome: 'not-executed',
    meaning: 'The peer connected and did not complete the handshake in time.',
    remedy: 'Check that the peer speaks this protocol; raise handshakeTimeoutMs on very slow networks.',
  },
  HOST_IDLE: {
    outcome: 'unknown',
    meaning: 'Nothing was received for longer than the idle limit.',
    remedy: 'The peer or the network between is dead; raise idleTimeoutMs if silence is normal.',
  },
  HOST_SLOW_READER: {
    outcome: 'unknown',
    meaning:
      'The peer does not read what it is sent: too many bytes wait for it, or nothing left for too long.',
    remedy: 'Make the peer read faster or ask for less; raise maxUnsentBytes or unsentTimeoutMs.',
  },
  HOST_OVER_BUDGET: {
    outcome: 'unknown',
    meaning:
      'The peers of the process together make it hold more bytes than its budget, and this one had held its own longest.',
    remedy:
      'Under attack nothing; otherwise raise receiveBudget or sendBudget, or lower the limits per connection.',
  },
  HOST_UNKNOWN_PROTOCOL: {
    outcome: 'not-executed',
    meaning: 'The first bytes of a connection belong to no protocol that this port speaks.',
    remedy: 'Check the port and the scheme of the URL.',
  },
  HOST_INTERNAL: {
    outcome: 'unknown',
    meaning: 'A bug of ours stopped the work on this connection.',
    remedy: 'Please report it with the cause.',
  },
}

export const hostError: (
  code: HostErrorCode,
  message: string,
  details?: { cause?: unknown },
) => FenbuError<HostErrorCode> = errorFactory(HOST_ERRORS)
