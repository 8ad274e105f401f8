import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { isFenbuError } from '../base/index.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { callCommand } from './verbs/call.ts'
import { serverCommand } from './verbs/server.ts'
import { servicesCommand } from './verbs/services.ts'

const EXAMPLES = `
Examples:
  fenbu server                                                 a server on 127.0.0.1:7430, data in ./fenbu-data
  fenbu services --registry fenbu://localhost                  who provides what
  fenbu call order buy '"HHKB键盘"' --registry fenbu://localhost   call a method by its name

Exit code: 0 done, 1 failed, 2 wrong command line.`

/** Errors that the command line itself is to blame for. */
const USAGE_CODES =
  /^(OPTION_|CLI_ARGUMENT_|ENGINE_(URL_INVALID|SCHEME_UNKNOWN|NOT_AVAILABLE|WRONG_ROLE)|REGISTRY_URL_)/

/** Runs one command line; resolves with the exit code when it is done. Data goes to stdout, all else to stderr. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  const program = new Command('fenbu')
    .description(
      'Distributed systems, batteries included: a server to start, services to look at and to call.',
    )
    .version(packageVersion())
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
  for (const verb of [serverCommand(), callCommand(), servicesCommand()]) program.addCommand(verb)
  throwInsteadOfExiting(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.OK
  } catch (error) {
    return await exitCodeOf(error)
  }
}

async function exitCodeOf(error: unknown): Promise<ExitCode> {
  // Commander has said what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE
  const { explain } = await import('./explain.ts')
  process.stderr.write(`${await explain(error)}\n`)
  return isFenbuError(error) && USAGE_CODES.test(error.code) ? EXIT.USAGE : EXIT.FAILED
}

/** Verbs are made before they are added, so that each has to be told. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride()
  for (const verb of command.commands) throwInsteadOfExiting(verb)
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
