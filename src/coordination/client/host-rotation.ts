import type { Random } from '../../base/index.ts'
import type { Address } from '../../host/index.ts'

/** Pause after the first round of failures, and the spread of the very first attempt after a loss. */
const DELAY_MS_MIN = 50

/** Goes round the hosts in a shuffled order, so that clients spread over the servers, and paces the attempts. */
export class HostRotation {
  readonly #hosts: readonly Address[]
  readonly #random: Random
  readonly #delayMsMax: number
  #next = 0

  constructor(hosts: readonly Address[], random: Random, delayMsMax: number) {
    this.#hosts = shuffled(hosts, random)
    this.#random = random
    this.#delayMsMax = delayMsMax
  }

  next(): Address {
    const host = this.#hosts[this.#next]!
    this.#next = (this.#next + 1) % this.#hosts.length
    return host
  }

  /** The pause after `failures` failed attempts in a row: doubles with each round, between half and the whole. */
  delayMs(failures: number): number {
    const fraction = this.#random.uint32() / 2 ** 32
    const round = Math.floor(failures / this.#hosts.length)
    // Within the first round the next host is tried at once, but not by all clients in the same millisecond.
    if (round === 0) return Math.min(DELAY_MS_MIN, this.#delayMsMax) * fraction
    const full = Math.min(this.#delayMsMax, DELAY_MS_MIN * 2 ** Math.min(round, 30))
    return full * (0.5 + fraction / 2)
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const other = random.uint32() % (i + 1)
    const held = order[i]!
    order[i] = order[other]!
    order[other] = held
  }
  return order
}
