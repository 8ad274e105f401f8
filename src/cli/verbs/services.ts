import { Command } from 'commander'
import type { Instance, InstanceList, Registry } from '../../registry/index.ts'
import { cliError } from '../errors.ts'
import { wholeNumber } from '../numbers.ts'
import { formatTable } from '../table.ts'
import { readTls, type TlsFlags, withTlsFlags } from '../tls.ts'
import { withRegistry } from '../with-registry.ts'

interface ServicesFlags extends TlsFlags {
  readonly registry: string
  readonly json?: true
  readonly timeoutMs: number
}

const COLUMNS = [
  'SERVICE',
  'ADDRESS',
  'VERSION',
  'GROUP',
  'WEIGHT',
  'ZONE',
  'STATE',
  'SINCE',
  'INSTANCE',
] as const

const EXAMPLES = `
Examples:
  fenbu services --registry fenbu://localhost          all instances of all services
  fenbu services order --registry fenbu://localhost    those of one; exit code 1 if there are none
  fenbu services --registry zookeeper://zk1:2181/shop --json
  fenbu services --registry fenbu://prod --tls-ca ca.crt --tls-cert me.crt --tls-key me.key

Where the output is not a terminal, columns are separated by tabs.`

export function servicesCommand(): Command {
  const verb = new Command('services')
    .description('List the instances of services.')
    .argument('[service]', 'only this service')
    .requiredOption('--registry <url>', 'where the instances are found')
    .option('--json', 'one JSON document')
    .option('--timeout-ms <ms>', 'time for the registry to answer', wholeNumber(1, 600_000), 5_000)
  return withTlsFlags(verb, 'authority that signed the certificate of the registry; makes the connection TLS')
    .addHelpText('after', EXAMPLES)
    .action(list)
}

async function list(service: string | undefined, flags: ServicesFlags): Promise<void> {
  await withRegistry(flags.registry, flags.timeoutMs, readTls(flags), async (registry, signal) => {
    const names = service === undefined ? await registry.services({ signal }) : [service]
    const lists = await Promise.all(names.map((name) => listOf(registry, name, signal)))
    const instances = lists.flatMap((found) => found.instances)
    if (flags.json) process.stdout.write(`${JSON.stringify(instances, undefined, 2)}\n`)
    else process.stdout.write(formatTable(COLUMNS, instances.map(row), process.stdout.isTTY === true))
    if (service !== undefined && instances.length === 0)
      throw cliError('CLI_NO_INSTANCES', `${flags.registry} lists no instance of ${JSON.stringify(service)}`)
  })
}

async function listOf(registry: Registry, service: string, signal: AbortSignal): Promise<InstanceList> {
  const watch = registry.watch(service)
  try {
    return await watch.ready({ signal })
  } finally {
    watch.close()
  }
}

function row(instance: Instance): readonly string[] {
  const { service, host, port, version, group, weight, zone, state, registeredMs, id } = instance
  const since = registeredMs === 0 ? '-' : new Date(registeredMs).toISOString()
  return [service, `${host}:${port}`, version, group, String(weight), zone || '-', state, since, id]
}
