import { HELP, readShopOptions, type ShopOptions } from './options.ts'
import { runShop } from './run-shop.ts'
import { createTerminal } from './terminal.ts'

/** `npm start`: exit code 0 when all went well, 1 when something failed, 2 for a wrong command line, 130 interrupted. */
async function main(): Promise<number> {
  const options = readOptions()
  if (options === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  if (options === 'wrong') return 2
  try {
    return await runShop(options, createTerminal())
  } catch (error) {
    process.stdout.write(`\n${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

function readOptions(): ShopOptions | 'help' | 'wrong' {
  try {
    return readShopOptions(process.argv.slice(2), new Date())
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`)
    return 'wrong'
  }
}

process.exitCode = await main()
