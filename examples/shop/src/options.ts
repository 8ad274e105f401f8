import { parseArgs } from 'node:util'

/** What the command line of `npm start` asks for. */
export interface ShopOptions {
  /** URL of the coordinator to use instead of an own fenbu server. */
  readonly engines: string | undefined
  /** The gateway's port; another one is taken when it is in use. */
  readonly port: number
  /** Orders to place under chaos; undefined: stay open for customers. */
  readonly orders: number | undefined
  readonly exit: boolean
  /** Of every choice of the chaos. */
  readonly seed: number
  /** Orders under way at once. */
  readonly concurrency: number
  /** Of each item, when the shop opens. */
  readonly stock: number
  /** Name of the run: its books and its list of accepted orders. */
  readonly run: string
}

export const HELP = `The shop: two providers of StockService, two of OrderService and an HTTP gateway, each a process.

  npm start                                        open the shop; Ctrl-C closes it
  npm start -- --orders 200 --exit                 place 200 orders while providers are killed, then close
  npm start -- --engines zookeeper://HOST:2181     the same shop on a real ZooKeeper
  npm run shop:audit -- --json                     recount the last run from its books

Options
  --engines URL      coordinator to use (fenbu://… or zookeeper://…); default: a fenbu server of its own
  --port N           port of the gateway on 127.0.0.1 (8080; a free one if it is taken)
  --orders N         orders to place through the gateway while order providers are killed with SIGKILL
  --exit             close when the orders are placed, and end with one line of JSON
  --concurrency N    orders under way at once (8)
  --seed N           of the choices whom to kill and when (random; printed)
  --stock N          pieces of each item when the shop opens (1000000)
  --run NAME         name of the run (from the time); its books and list are in .fenbu/shop/NAME, or, with
                     --engines, below /fenbu-shop/NAME of that coordinator. An earlier name opens its books again
  --help             this text
`

/** Reads the command line; throws with a message for the user. */
export function readShopOptions(args: readonly string[], now: Date): ShopOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      engines: { type: 'string' },
      port: { type: 'string' },
      orders: { type: 'string' },
      exit: { type: 'boolean' },
      concurrency: { type: 'string' },
      seed: { type: 'string' },
      stock: { type: 'string' },
      run: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return 'help'
  const orders = values.orders === undefined ? undefined : whole('--orders', values.orders, 1, 1_000_000)
  return {
    engines: values.engines === undefined ? undefined : engineUrl(values.engines),
    orders,
    exit: values.exit ?? false,
    port: whole('--port', values.port ?? '8080', 0, 65_535),
    concurrency: whole('--concurrency', values.concurrency ?? '8', 1, 256),
    seed: whole('--seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)), 0, 2 ** 32),
    stock: whole('--stock', values.stock ?? '1000000', 0, 1_000_000_000),
    run: runName(values.run ?? `run-${now.toISOString().replace(/\D/g, '').slice(0, 17)}`),
  }
}

export function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new Error(`${name} is ${JSON.stringify(text)}; allowed: a whole number from ${min} to ${max}`)
  return value
}

/** A chroot for the run is added to it. */
export function engineUrl(text: string): string {
  if (!/^(fenbu|zookeeper):\/\/[^/]/.test(text))
    throw new Error(
      `--engines is ${JSON.stringify(text)}; allowed: zookeeper://host:port,host:port/path or fenbu://host`,
    )
  return text
}

/** It names a folder and a node. */
function runName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
    throw new Error(`--run is ${JSON.stringify(name)}; allowed: 1 to 64 of A-Z a-z 0-9 _ -`)
  return name
}
