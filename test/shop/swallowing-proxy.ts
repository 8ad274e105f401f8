import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that can start to swallow everything: to both ends their connections look fine and bring nothing. */
export interface SwallowingProxy {
  readonly port: number
  /** Where new connections go. */
  target: number
  /** In both directions together, until it began to swallow. */
  carriedBytes: number
  swallow(): void
  close(): Promise<void>
}

export async function startSwallowingProxy(): Promise<SwallowingProxy> {
  const sockets = new Set<Socket>()
  let swallowing = false
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: proxy.target })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (swallowing) return
        proxy.carriedBytes += bytes.length
        to.write(bytes)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (!swallowing) to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: SwallowingProxy = {
    port: (server.address() as AddressInfo).port,
    target: 0,
    carriedBytes: 0,
    swallow() {
      swallowing = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
