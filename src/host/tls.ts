/** Keys and certificates, PEM. */
export interface TlsOptions {
  /** Own certificate chain. */
  readonly cert?: string | Uint8Array
  /** Private key of `cert`. */
  readonly key?: string | Uint8Array
  /** Authorities that peers are checked against; by default those of the system (clients) or none (servers). */
  readonly ca?: string | Uint8Array
  /** Servers: refuse clients without a certificate of `ca`. Default false. */
  readonly requireClientCertificate?: boolean
  /** Clients: the name that the server's certificate must carry; by default the host. */
  readonly serverName?: string
}
