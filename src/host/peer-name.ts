import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** The common name of the certificate that a peer proved to hold; undefined without one that was accepted. */
export function certifiedName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : undefined
}
