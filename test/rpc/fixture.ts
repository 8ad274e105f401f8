import { afterEach } from 'vitest'
import {
  createRpcClient,
  createRpcServer,
  type RpcClient,
  type RpcClientOptions,
  type RpcServer,
  type RpcServerOptions,
} from '../../src/rpc/index.ts'
import { MemoryRegistry } from './memory-registry.ts'

const closing: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Run when the test is over, last first. */
export function atEnd(close: () => Promise<unknown> | unknown): void {
  closing.push(close)
}

export async function serve(
  registry: MemoryRegistry | undefined,
  options: RpcServerOptions = {},
): Promise<RpcServer> {
  const server = await createRpcServer({ ...(registry !== undefined && { registry }), ...options })
  atEnd(() => server.drain({ timeoutMs: 0 }))
  return server
}

export function callFrom(registry: MemoryRegistry, options: Partial<RpcClientOptions> = {}): RpcClient {
  const client = createRpcClient({ registry, ...options })
  atEnd(() => client.close())
  return client
}

export { MemoryRegistry }

/** A promise and the means to settle it. */
export interface Gate<T = void> {
  readonly opened: Promise<T>
  open(value: T): void
}

export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
