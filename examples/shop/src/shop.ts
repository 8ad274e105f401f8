import type { CoordinationClient } from 'fenbu/coordination'
import type { ShopOptions } from './options.ts'
import type { Ready } from './role.ts'
import type { RunFolder } from './run-folder.ts'
import { type Death, SupervisedProcess } from './supervised-process.ts'
import type { Terminal } from './terminal.ts'

/** The shop while it is open. */
export interface OpenShop {
  readonly gatewayUrl: string
  readonly gateway: SupervisedProcess
  readonly orderProviders: readonly SupervisedProcess[]
  /** A connection to the books. */
  readonly client: CoordinationClient
  /** The coordinator, as it calls itself. */
  readonly engine: string
  /** Told of every process that ended without being asked to. */
  onDeath(listener: (death: Death) => void): void
}

/** The processes of the shop, started from the back to the front and drained from the front to the back. */
export class Shop {
  readonly #options: ShopOptions
  readonly #folder: RunFolder
  readonly #terminal: Terminal
  readonly #processes: SupervisedProcess[] = []
  #tellDeath: (death: Death) => void
  #closing: Promise<void> | undefined

  constructor(options: ShopOptions, folder: RunFolder, terminal: Terminal) {
    this.#options = options
    this.#folder = folder
    this.#terminal = terminal
    this.#tellDeath = ({ name, pid, signal, exitCode }) =>
      terminal.warn(`${name} (pid ${pid}) ended with ${signal ?? exitCode} and is started again`)
  }

  /** Starts the fenbu server of this run; resolves with its URL. */
  async openServer(): Promise<string> {
    const server = this.#supervise('server', 'fenbu-server.js', (before) => [
      '--data',
      this.#folder.data,
      '--port',
      before ? new URL(before.url).port : '0',
    ])
    return (await server.up).url
  }

  /** Starts the providers and, when they are up, the gateway. */
  async open(engines: string): Promise<Omit<OpenShop, 'client' | 'engine'>> {
    const stockProviders = ['stock-1', 'stock-2'].map((name) => this.#provideStock(name, engines))
    const orderProviders = ['order-1', 'order-2'].map((name) => this.#provideOrders(name, engines))
    await Promise.all([...stockProviders, ...orderProviders].map((provider) => provider.up))
    const gateway = this.#supervise('gateway', 'gateway.js', (before) => [
      ...this.#join(engines),
      '--port',
      before ? new URL(before.url).port : `${this.#options.port}`,
    ])
    const { url: gatewayUrl } = await gateway.up
    const onDeath = (listener: (death: Death) => void): void => {
      this.#tellDeath = listener
    }
    return { gatewayUrl, gateway, orderProviders, onDeath }
  }

  /** Drains every process, so that each one can finish what it has with those behind it. */
  close(): Promise<void> {
    this.#closing ??= this.#drainAll()
    return this.#closing
  }

  /** For the impatient: nothing is finished, nothing stays behind. */
  killAll(): void {
    for (const process of this.#processes) process.kill('SIGKILL')
  }

  #provideStock(name: string, engines: string): SupervisedProcess {
    const { stock } = this.#options
    return this.#supervise(name, 'stock-provider.js', () => [...this.#join(engines), '--stock', `${stock}`])
  }

  #provideOrders(name: string, engines: string): SupervisedProcess {
    const { orders, seed } = this.#options
    const chaos = orders === undefined ? [] : ['--chaos-seed', `${seed}`, '--chaos-share', `${DYING_SHARE}`]
    return this.#supervise(name, 'order-provider.js', () => [...this.#join(engines), ...chaos])
  }

  #join(engines: string): readonly string[] {
    return ['--engines', engines, '--cache', this.#folder.cache]
  }

  #supervise(
    name: string,
    program: string,
    args: (before: Ready | undefined) => readonly string[],
  ): SupervisedProcess {
    if (this.#closing) throw new Error('the shop is closing')
    const terminal = this.#terminal
    const process = new SupervisedProcess({
      name,
      program,
      args,
      log: (source, line) => terminal.from(source, line),
      came: (source, pid, { url }) => terminal.done(`${source.padEnd(8)} pid ${`${pid}`.padEnd(8)} ${url}`),
      died: (death) => this.#tellDeath(death),
    })
    this.#processes.push(process)
    return process
  }

  async #drainAll(): Promise<void> {
    for (const kind of ['gateway', 'order', 'stock', 'server']) {
      const processes = this.#processes.filter(({ name }) => name.startsWith(kind))
      await Promise.all(processes.map((process) => process.drain(DRAIN_MS_MAX)))
      if (processes.length > 0) this.#terminal.done(`${processes.map(({ name }) => name).join(', ')} drained`)
    }
  }
}

/** The share of the orders at which an order provider kills itself while orders are placed under chaos. */
const DYING_SHARE = 0.04

/** What a process may take to finish what it has, before it is killed. */
const DRAIN_MS_MAX = 10_000
