import { type ErrorTable, isFenbuError } from '../base/index.ts'

/**
 * An error for people: what happened, its code, what to do. The tables of all areas are loaded only now: a command
 * that succeeds does not need them.
 */
export async function explain(error: unknown): Promise<string> {
  if (!isFenbuError(error))
    return `fenbu: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  const remedy = (await allErrors())[error.code]?.remedy
  const lines = [`fenbu: ${error.message}`, ...causes(error).map((cause) => `  because  ${cause}`)]
  lines.push(`  code     ${error.code}`)
  if (remedy !== undefined) lines.push(`  do       ${remedy}`)
  return lines.join('\n')
}

/** Messages of the causes, outermost first, without those that the message above them repeats. */
function causes(error: Error): readonly string[] {
  const found: string[] = []
  let above = error.message
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (!above.includes(cause.message)) found.push(cause.message)
    above = cause.message
  }
  return found
}

async function allErrors(): Promise<ErrorTable<string>> {
  const tables = await Promise.all([
    import('../base/index.ts').then(({ OPTION_ERRORS, FILE_ERRORS }) => ({
      ...OPTION_ERRORS,
      ...FILE_ERRORS,
    })),
    import('../host/index.ts').then(({ HOST_ERRORS }) => HOST_ERRORS),
    import('../storage/index.ts').then(({ STORAGE_ERRORS }) => STORAGE_ERRORS),
    import('../coordination/core/index.ts').then(({ COORDINATION_ERRORS }) => COORDINATION_ERRORS),
    import('../engines/index.ts').then(({ ENGINE_ERRORS }) => ENGINE_ERRORS),
    import('../registry/index.ts').then(({ REGISTRY_ERRORS }) => REGISTRY_ERRORS),
    import('../rpc/index.ts').then(({ RPC_ERRORS }) => RPC_ERRORS),
    import('../server/index.ts').then(({ SERVER_ERRORS }) => SERVER_ERRORS),
    import('../app/index.ts').then(({ APP_ERRORS }) => APP_ERRORS),
    import('./errors.ts').then(({ CLI_ERRORS }) => CLI_ERRORS),
  ])
  return Object.assign({}, ...tables) as ErrorTable<string>
}
