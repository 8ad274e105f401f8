import { Command } from 'commander'
import type { TlsOptions } from '../../host/index.ts'
import { cliError } from '../errors.ts'
import { wholeNumber } from '../numbers.ts'
import { readTls, type TlsFlags, withTlsFlags } from '../tls.ts'

interface ServerFlags extends TlsFlags {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly insecure?: true
  readonly tickMs: number
}

const EXAMPLES = `
Examples:
  fenbu server                          127.0.0.1:7430, data in ./fenbu-data
  fenbu server --port 0 --data /tmp/f   a free port; the line it prints says which
  fenbu server --host 0.0.0.0 --tls-ca ca.crt --tls-cert server.crt --tls-key server.key
                                        reachable by those with a certificate of that authority
  fenbu server --host 0.0.0.0 --insecure   reachable by everyone in the network, without authentication

It prints one line when it is ready. Ctrl-C or SIGTERM lets connections finish and ends it; a second one ends it at once.`

export function serverCommand(): Command {
  const verb = new Command('server')
    .description('Start a fenbu server: coordination and registry on one port.')
    .option('--port <port>', 'where to listen; 0 chooses a free port', wholeNumber(0, 65_535), 7430)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'folder that everything is kept in', './fenbu-data')
    .option('--insecure', 'listen beyond this machine although nothing authenticates the peers')
    .option(
      '--tick-ms <ms>',
      'tick of the coordinator: sessions live for 2 to 20 of them',
      wholeNumber(10, 60_000),
      2_000,
    )
  return withTlsFlags(verb, 'authority of the clients: whoever has no certificate of it is refused')
    .addHelpText('after', EXAMPLES)
    .action(serve)
}

async function serve(flags: ServerFlags): Promise<void> {
  const startedMs = performance.now()
  const { startServer } = await import('../../server/index.ts')
  const { port, host, data, insecure = false, tickMs } = flags
  const tls = serverTls(flags)
  const server = await startServer({
    port,
    host,
    data,
    insecure,
    coordination: { tickMs },
    ...(tls && { tls }),
  })
  const died = new Promise<never>((_, reject) => server.onDeath(reject))
  const tookMs = Math.round(performance.now() - startedMs)
  process.stdout.write(`fenbu server ready at ${server.url} (data in ${server.data}, ${tookMs} ms)\n`)
  await Promise.race([stopRequested(), died])
  process.stderr.write('fenbu server is draining\n')
  await server.close()
}

/** An authority is named for one reason: to let in only those that it vouches for. */
function serverTls(flags: ServerFlags): TlsOptions | undefined {
  const tls = readTls(flags)
  if (tls === undefined) return undefined
  if (tls.cert === undefined)
    throw cliError('CLI_ARGUMENT_INVALID', 'a server with --tls-ca needs --tls-cert and --tls-key as well')
  return { ...tls, requireClientCertificate: tls.ca !== undefined }
}

/** The first request drains; the second one, of someone who will not wait, gets the default: the end. */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
