/** Says why no connection was made, and what to do about it. */
export function describeConnectFailure(cause: Error): string {
  const causes = cause instanceof AggregateError ? (cause.errors as Error[]) : [cause]
  const messages = [...new Set(causes.map((error) => error.message))].join('; ')
  const code = (causes[0] as NodeJS.ErrnoException | undefined)?.code
  const advice = code === undefined ? undefined : ADVICE[code]
  return advice === undefined ? messages : `${messages} (${advice})`
}

const UNKNOWN_AUTHORITY = 'pass the authority that signed the server certificate as tls.ca'
const NO_TLS = 'does the server speak TLS on this port?'

/** By the codes of Node and OpenSSL. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is the server running?',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ECONNRESET:
    'the server closed the connection: does it speak TLS here, and does it want a client certificate?',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'dial the name that is in the certificate, or set tls.serverName',
  CERT_HAS_EXPIRED: 'the server needs a new certificate',
}
