import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { TlsOptions } from '../host/index.ts'
import { cliError } from './errors.ts'

/** Files of a command line that names keys and certificates. */
export interface TlsFlags {
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
}

/** Adds `--tls-ca`, `--tls-cert` and `--tls-key` to a verb; `caMeaning` says whom the authority vouches for. */
export function withTlsFlags(verb: Command, caMeaning: string): Command {
  return verb
    .option('--tls-ca <file>', `PEM; ${caMeaning}`)
    .option('--tls-cert <file>', 'own certificate, PEM')
    .option('--tls-key <file>', 'private key of the certificate, PEM')
}

/** Reads the files; undefined where none is named. Fails with `CLI_ARGUMENT_INVALID`. */
export function readTls(flags: TlsFlags): TlsOptions | undefined {
  const ca = readPem('--tls-ca', flags.tlsCa)
  const cert = readPem('--tls-cert', flags.tlsCert)
  const key = readPem('--tls-key', flags.tlsKey)
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if ((cert === undefined) !== (key === undefined))
    throw cliError(
      'CLI_ARGUMENT_INVALID',
      '--tls-cert and --tls-key go together: a certificate and its private key',
    )
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

function readPem(flag: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw cliError('CLI_ARGUMENT_INVALID', `${flag} ${file} cannot be read`, { cause })
  }
}
