import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'

/** Where something listens. */
export interface ProxyAddress {
  readonly host: string
  readonly port: number
}

/** One for the reset to arrive, one for the client to be told. */
const TURNS_TO_NOTICE = 2

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** A relay in front of a server that can behave like a bad network. */
export class FaultProxy {
  readonly address: ProxyAddress
  readonly #server: Server
  readonly #target: ProxyAddress
  readonly #pairs = new Set<Pair>()
  #refusing = false
  #paused = false

  private constructor(server: Server, target: ProxyAddress, port: number) {
    this.address = { host: '127.0.0.1', port }
    this.#server = server
    this.#target = target
    server.on('connection', (near) => this.#accept(near))
  }

  /** Listens on a free port of the loopback. */
  static open(target: ProxyAddress): Promise<FaultProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true })
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(new FaultProxy(server, target, typeof address === 'object' && address ? address.port : 0))
      })
    })
  }

  get connections(): number {
    return this.#pairs.size
  }

  /**
   * Cuts every connection; clients may come back at once. Resolves when the connections are gone and clients in
   * this process have heard of it: a call made afterwards waits for the next connection.
   */
  async dropConnections(): Promise<void> {
    const gone = [...this.#pairs].map(({ near, far }) => {
      const closed = new Promise((resolve) => near.once('close', resolve))
      near.resetAndDestroy()
      far.destroy()
      return closed
    })
    await Promise.all(gone)
    // The sockets of this process are polled once in each turn of the event loop.
    for (let turn = 0; turn < TURNS_TO_NOTICE; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Cuts every new connection as soon as it is made, until `acceptConnections`. */
  refuseConnections(): void {
    this.#refusing = true
  }

  acceptConnections(): void {
    this.#refusing = false
  }

  /** Connections stay open and carry nothing in either direction, like a cable that was pulled, until `resume`. */
  pause(): void {
    this.#paused = true
    for (const pair of this.#pairs) pausePair(pair)
  }

  resume(): void {
    this.#paused = false
    for (const { near, far } of this.#pairs) {
      near.resume()
      far.resume()
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const { near, far } of [...this.#pairs]) {
      near.destroy()
      far.destroy()
    }
    await closed
  }

  #accept(near: Socket): void {
    near.on('error', () => near.destroy())
    if (this.#refusing) {
      near.resetAndDestroy()
      return
    }
    const far = connectTcp({ ...this.#target, noDelay: true })
    const pair = { near, far }
    this.#pairs.add(pair)
    far.on('error', () => far.destroy())
    relay(near, far)
    relay(far, near)
    near.once('close', () => {
      this.#pairs.delete(pair)
      far.destroy()
    })
    far.once('close', () => near.destroy())
    if (this.#paused) pausePair(pair)
  }
}

function pausePair({ near, far }: Pair): void {
  near.pause()
  far.pause()
}

/** Tests send little: what a slow side leaves unread stays in this process. */
function relay(from: Socket, to: Socket): void {
  from.on('data', (chunk) => to.write(chunk))
  from.on('end', () => to.end())
}
