import { type App, connect } from 'fenbu'
import { demonstrate } from './demonstration.ts'
import { type Interrupts, listenForInterrupts } from './interrupts.ts'
import type { ShopOptions } from './options.ts'
import { forgetOldRuns, RunFolder, urlOfRun } from './run-folder.ts'
import { rush } from './rush.ts'
import { type OpenShop, Shop } from './shop.ts'
import type { Terminal } from './terminal.ts'

/** How a run ended; the last line is for programs. */
interface Ending {
  readonly exitCode: number
  readonly lastLine?: string
}

/** Opens the shop, does what the options ask for, and closes it whatever happens. Resolves with the exit code. */
export async function runShop(options: ShopOptions, terminal: Terminal): Promise<number> {
  const shop = new Shop(options, new RunFolder(options.run), terminal)
  const interrupts = listenForInterrupts(() => {
    shop.killAll()
    process.exit(INTERRUPTED)
  })
  const ending = await openAndWork(options, shop, interrupts, terminal)
  terminal.heading('Closing the shop')
  await shop.close()
  interrupts.stop()
  if (ending.lastLine !== undefined) terminal.line(`\n${ending.lastLine}`)
  return ending.exitCode
}

const INTERRUPTED = 130

async function openAndWork(
  options: ShopOptions,
  shop: Shop,
  interrupts: Interrupts,
  terminal: Terminal,
): Promise<Ending> {
  let app: App | undefined
  try {
    terminal.heading(`Opening the shop, run ${options.run}`)
    const url = await interrupts.race(openCoordinator(options, shop))
    app = await reach(url, interrupts.signal)
    const client = app.coordination
    const engine = await client.serverVersion({ signal: interrupts.signal })
    terminal.done(`the books are at ${url}, server version ${engine}`)
    const open = await interrupts.race(shop.open(url))
    if (options.port !== 0 && !open.gatewayUrl.endsWith(`:${options.port}`))
      terminal.warn(`port ${options.port} is taken by another program; the gateway chose a free one`)
    return await work(options, { ...open, client, engine }, interrupts, terminal)
  } catch (error) {
    if (interrupts.signal.aborted) return { exitCode: INTERRUPTED }
    terminal.warn(error instanceof Error ? error.message : String(error))
    return { exitCode: 1 }
  } finally {
    await app?.close()
  }
}

async function work(
  options: ShopOptions,
  shop: OpenShop,
  interrupts: Interrupts,
  terminal: Terminal,
): Promise<Ending> {
  let ending: Ending = { exitCode: 0 }
  if (options.orders === undefined) await interrupts.race(demonstrate(options, shop, terminal))
  else
    ending = await interrupts.race(
      rush({ ...options, orders: options.orders }, shop, interrupts.signal, terminal),
    )
  if (options.exit) return ending

  terminal.heading('The shop is open')
  terminal.line(`  ${terminal.style('cyan', curlLine(shop.gatewayUrl))}`)
  terminal.line(`  ${terminal.style('dim', 'Ctrl-C closes it.')}\n`)
  await interrupts.requested
  return ending
}

async function openCoordinator(options: ShopOptions, shop: Shop): Promise<string> {
  const folder = new RunFolder(options.run)
  await forgetOldRuns()
  await folder.create()
  const ownServer = options.engines === undefined
  const url = options.engines === undefined ? await shop.openServer() : urlOfRun(options.engines, options.run)
  await folder.write({ run: options.run, url, ownServer, pid: process.pid, startedMs: Date.now() })
  return url
}

/** Resolves when the coordinator has answered. */
async function reach(url: string, signal: AbortSignal): Promise<App> {
  try {
    return await connect(url, { signal, timeoutMs: ANSWER_MS_MAX })
  } catch (error) {
    throw new Error(
      `no coordinator answers at ${url}: ${error instanceof Error ? error.message : error}\n` +
        '    Start it, correct --engines, or leave --engines out to have a fenbu server of its own.',
    )
  }
}

const ANSWER_MS_MAX = 5_000

function curlLine(gateway: string): string {
  return `curl -s -X POST ${gateway}/orders -H 'content-type: application/json' -d '{"item":"HHKB键盘"}'`
}
