import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { connect } from 'fenbu'
import { startServer } from 'fenbu/server'
import { readAcceptedList } from './accepted-list.ts'
import { type Ledger, readLedger } from './books/ledger.ts'
import { engineUrl } from './options.ts'
import { isRight, recount } from './recount.ts'
import { isAlive, listRuns, RunFolder, type RunRecord, urlOfRun } from './run-folder.ts'

const HELP = `Recounts a run of the shop from its books alone, and holds them against the client's list of accepted orders.

  npm run shop:audit -- --json

Options
  --run NAME      the run (default: the latest one)
  --engines URL   where its books are, if no longer where the run left them
  --json          one line of JSON on standard output; findings go to standard error
  --help          this text

Exit code: 0 all is right, 1 something is not, 2 wrong command line.
`

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  try {
    return await audit(options)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

interface AuditOptions {
  readonly run?: string | undefined
  readonly engines?: string | undefined
  readonly json?: boolean | undefined
}

function readOptions(): AuditOptions | number {
  try {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const { values } = parseArgs({ options: { run: text, engines: text, json: flag, help: flag } })
    if (values.engines !== undefined) engineUrl(values.engines)
    if (!values.help) return values
    process.stdout.write(HELP)
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`)
    return 2
  }
}

async function audit(options: AuditOptions): Promise<number> {
  const record = await findRun(options.run)
  const accepted = await readAcceptedList(new RunFolder(record.run).accepted)
  const { recount: result, problems } = recount(accepted, await readBooks(record, options.engines))
  const right = isRight(result)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else
    process.stdout.write(
      `Run ${record.run}: ${right ? 'the books are right' : 'THE BOOKS ARE WRONG'}\n` +
        Object.entries(result)
          .map(([name, value]) => `  ${name.padEnd(24)} ${value}\n`)
          .join(''),
    )
  return right ? 0 : 1
}

async function findRun(name: string | undefined): Promise<RunRecord> {
  const runs = await listRuns()
  const record = name === undefined ? runs[0] : runs.find(({ run }) => run === name)
  if (record) return record
  const known = runs.map(({ run }) => run).join(', ') || 'none'
  throw new Error(
    `there is no ${name === undefined ? 'run' : `run ${JSON.stringify(name)}`} in .fenbu/shop (known: ${known}); ` +
      'npm start -- --orders 200 --exit makes one',
  )
}

/** From the coordinator that holds them; from the run's data folder when its own server has ended. */
async function readBooks(record: RunRecord, engines: string | undefined): Promise<Ledger> {
  if (engines !== undefined) return await readBooksAt(urlOfRun(engines, record.run))
  if (!record.ownServer || isAlive(record.pid)) return await readBooksAt(record.url)
  const { data } = new RunFolder(record.run)
  if (!existsSync(data)) throw new Error(`the run ${record.run} has left no data in ${data}`)
  const server = await startServer({ data, port: 0 })
  try {
    return await readBooksAt(server.url)
  } finally {
    await server.close()
  }
}

async function readBooksAt(url: string): Promise<Ledger> {
  const app = await connect(url)
  try {
    return await readLedger(app.coordination)
  } finally {
    await app.close()
  }
}
