import type { FenbuError } from '../../base/index.ts'
import { formatAddress } from '../../host/index.ts'
import { outsideCalls } from '../call-context.ts'
import { rpcError } from '../core/index.ts'
import { Channel, type ChannelState, type ChannelWorld } from './channel.ts'

/** How often channels are looked after, ms. */
const HOUSEKEEPING_MS = 1_000

/** One address that calls went to. */
export interface ChannelStatus {
  /** `host:port`. */
  readonly address: string
  readonly state: ChannelState
  /** Calls avoid it while there are others. */
  readonly suspected: boolean
}

/** The channels of a client, one for each address that a list names, whatever services are there. */
export class Channels {
  readonly #world: ChannelWorld
  readonly #channels = new Map<string, Channel>()
  readonly #housekeeping: NodeJS.Timeout
  #closed = false

  constructor(world: ChannelWorld) {
    this.#world = world
    this.#housekeeping = outsideCalls(() => setInterval(this.#afterReading, HOUSEKEEPING_MS))
    this.#housekeeping.unref()
  }

  get status(): readonly ChannelStatus[] {
    return [...this.#channels.values()].map((channel) => ({
      address: channel.name,
      state: channel.state,
      suspected: channel.health.suspected,
    }))
  }

  to(host: string, port: number): Channel {
    const name = formatAddress({ host, port })
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    const made = new Channel({ host, port }, this.#world)
    this.#channels.set(name, made)
    return made
  }

  async close(reason: FenbuError, timeoutMs: number): Promise<void> {
    this.#closed = true
    clearInterval(this.#housekeeping)
    await Promise.all([...this.#channels.values()].map((channel) => channel.close(reason, timeoutMs)))
    this.#channels.clear()
  }

  /** Where this process was busy, signs of life still lie unread: they count before anyone is judged. */
  readonly #afterReading = (): void => {
    setImmediate(() => this.#keepHouse())
  }

  #keepHouse(): void {
    if (this.#closed) return
    const nowMs = performance.now()
    for (const [name, channel] of this.#channels) {
      if (channel.idle) {
        this.#channels.delete(name)
        // Nothing is under way, so that this only ends the connection; nobody waits for that.
        void channel.close(rpcError('RPC_CLOSED', `no instance at ${name} is listed any more`), 0)
      } else channel.keepAlive(nowMs)
    }
  }
}
