import { setTimeout as pause } from 'node:timers/promises'
import { AcceptedList } from './accepted-list.ts'
import { OrderBook } from './books/order-book.ts'
import { Killer, planKills } from './killer.ts'
import { type LoadTotal, percentile, placeOrders } from './load.ts'
import type { ShopOptions } from './options.ts'
import { RunFolder } from './run-folder.ts'
import type { OpenShop } from './shop.ts'
import type { Terminal } from './terminal.ts'

/** Places many orders while order providers are killed. The last line is one line of JSON for programs. */
export async function rush(
  options: ShopOptions & { readonly orders: number },
  shop: OpenShop,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<{ readonly exitCode: number; readonly lastLine: string }> {
  const { orders, seed } = options
  const killer = new Killer(planKills(seed, orders, shop.orderProviders.length), shop.orderProviders, signal)
  const killed: { readonly name: string; readonly pid: number }[] = []
  shop.onDeath(({ name, pid, signal: death, exitCode }) => {
    if (death === 'SIGKILL') killed.push({ name, pid })
    const how = killer.has(pid) ? 'was killed with kill -9' : death === 'SIGKILL' ? 'killed itself' : 'ended'
    terminal.warn(`${name} (pid ${pid}) ${how}${death === 'SIGKILL' ? '' : ` with ${death ?? exitCode}`}`)
  })

  terminal.heading(`Placing ${orders} orders while order providers are killed, seed ${seed}`)
  const accepted = await AcceptedList.open(new RunFolder(options.run).accepted)
  const kills: Promise<void>[] = []
  const total = await placeOrders({
    ...options,
    gateway: shop.gatewayUrl,
    accepted,
    signal,
    starting: (n) => kills.push(killer.orderStarts(n)),
    ended: (so) => terminal.progress(`${so.accepted} of ${orders} accepted, ${killed.length} kills`),
  })
  await Promise.all(kills)
  await accepted.close()
  await leftoversFinished(new OrderBook(shop.client), signal)

  terminal.done(
    `${total.accepted} of ${orders} orders accepted; ${total.retried} orders took more than one try`,
  )
  terminal.done(
    `killed: ${killed.map(({ name, pid }) => `${name} pid ${pid}`).join(', ') || 'nobody'}; seed ${seed}`,
  )
  return { exitCode: total.failed === 0 ? 0 : 1, lastLine: summary(total, killed, seed, shop.engine) }
}

function summary(
  total: LoadTotal,
  killed: readonly { readonly pid: number }[],
  seed: number,
  engine: string,
): string {
  return JSON.stringify({
    orders: total.orders,
    accepted: total.accepted,
    soldOut: total.soldOut,
    failed: total.failed,
    retried: total.retried,
    p50Ms: percentile(total.latenciesMs, 0.5),
    p99Ms: percentile(total.latenciesMs, 0.99),
    byInstance: total.byInstance,
    killed: killed.map(({ pid }) => pid),
    seed,
    engines: { coordination: engine },
  })
}

/** Waits until no order is pending any more: a provider that died left it to the others. */
async function leftoversFinished(book: OrderBook, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < LEFTOVERS_MS_MAX && !signal.aborted; waitedMs += LOOK_EVERY_MS) {
    if ((await book.pending()).length === 0) return
    await pause(LOOK_EVERY_MS)
  }
}

const LOOK_EVERY_MS = 100
const LEFTOVERS_MS_MAX = 15_000
