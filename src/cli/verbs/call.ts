import { Command } from 'commander'
import { cliError } from '../errors.ts'
import { wholeNumber } from '../numbers.ts'
import { readTls, type TlsFlags, withTlsFlags } from '../tls.ts'
import { withRegistry } from '../with-registry.ts'

interface CallFlags extends TlsFlags {
  readonly registry: string
  readonly group?: string
  readonly range?: string
  readonly timeoutMs: number
  readonly idempotent?: true
  readonly tlsProviders?: true
}

const EXAMPLES = `
Examples:
  fenbu call order buy '"HHKB键盘"' 2 --registry fenbu://localhost
  fenbu call stock look '{"sku":"A-1"}' --registry zookeeper://zk1:2181/shop --timeout-ms 3000
  fenbu call order find '"17"' --registry static:order=127.0.0.1:7001

Arguments are JSON, so that a text is quoted twice: '"like this"'. The result is printed as JSON.`

export function callCommand(): Command {
  const verb = new Command('call')
    .description('Call a method of a service by its name.')
    .argument('<service>', 'name of the service')
    .argument('<method>', 'name of the method')
    .argument('[args...]', 'arguments, each one JSON')
    .requiredOption('--registry <url>', 'where the instances are found')
    .option('--group <group>', 'group of the instances (default: default)')
    .option('--range <range>', 'versions of the service, such as ^1.2 (default: all)')
    .option(
      '--timeout-ms <ms>',
      'time for the call, all attempts together',
      wholeNumber(1, 86_400_000),
      5_000,
    )
    .option('--idempotent', 'the method may run twice without harm: retry it')
    .option('--tls-providers', 'the providers speak TLS too, with the same files')
  return withTlsFlags(verb, 'authority that signed the certificate of the registry; makes the connection TLS')
    .addHelpText('after', EXAMPLES)
    .action(call)
}

async function call(
  service: string,
  method: string,
  texts: readonly string[],
  flags: CallFlags,
): Promise<void> {
  const args = texts.map(parseArgument)
  const { createRpcClient } = await import('../../rpc/index.ts')
  const { group, range, timeoutMs, idempotent = false } = flags
  const tls = readTls(flags)
  await withRegistry(flags.registry, timeoutMs, tls, async (registry) => {
    const client = createRpcClient({ registry, timeoutMs, ...(flags.tlsProviders && { tls: tls ?? {} }) })
    try {
      const result = await client.invoke(service, method, args, {
        idempotent,
        ...(group !== undefined && { group }),
        ...(range !== undefined && { version: range }),
      })
      process.stdout.write(`${JSON.stringify(result, readable, 2) ?? 'undefined'}\n`)
    } finally {
      await client.close()
    }
  })
}

function parseArgument(text: string, at: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw cliError(
      'CLI_ARGUMENT_INVALID',
      `argument ${at + 1} is not JSON: ${text}; if it is a text, write '${JSON.stringify(text)}'`,
      { cause },
    )
  }
}

/** JSON has no big integers and no bytes. */
function readable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
