import { describe, expect, it, onTestFinished } from 'vitest'
import { type CoordinationClient, connect } from '../../src/coordination/client/index.ts'
import { coordinationError } from '../../src/coordination/core/index.ts'
import {
  type InstanceList,
  openRegistry,
  type Registry,
  type ServiceWatch,
} from '../../src/registry/index.ts'
import { startServer } from '../../src/testing/index.ts'

describe('a subscription', () => {
  it.each(['COORDINATION_REQUEST_TIMEOUT', 'COORDINATION_TOO_MANY_IN_FLIGHT'] as const)(
    'reads a changed record again after %s on a connection that lives',
    async (code) => {
      const { url, client } = await server()
      let failures = 0
      const shaky = withGet(client, (get) => async (path, options) => {
        if (failures > 0) {
          failures--
          throw coordinationError(code, `get ${path}: on purpose`)
        }
        return await get(path, options)
      })
      const provider = await open(url)
      const registrations = await Promise.all(
        [7001, 7002].map((port) => provider.register({ service: 'order', host: '127.0.0.1', port })),
      )
      const consumer = await openRegistry(url, { coordination: shaky, verifyMs: 60_000, coalesceMs: 10 })
      onTestFinished(() => consumer.close())
      const watch = consumer.watch('order')
      await watch.ready()
      failures = 2
      await registrations[0]!.update({ weight: 0 })
      await until(watch, ({ instances }) => instances.some(({ weight }) => weight === 0))
      expect(failures).toBe(0)
      expect(consumer.status().problem).toBeUndefined()
    },
  )
})

async function server(): Promise<{ readonly url: string; readonly client: CoordinationClient }> {
  const running = await startServer({ only: ['coordination'] })
  onTestFinished(() => running.close())
  const client = connect(running.url)
  onTestFinished(() => client.close())
  return { url: running.url, client }
}

async function open(url: string): Promise<Registry> {
  const registry = await openRegistry(url, { verifyMs: 60_000 })
  onTestFinished(() => registry.close())
  return registry
}

/** The same client with another `get`. */
function withGet(
  client: CoordinationClient,
  change: (get: CoordinationClient['get']) => CoordinationClient['get'],
): CoordinationClient {
  const get = change(client.get.bind(client))
  return new Proxy(client, {
    get(target, name) {
      if (name === 'get') return get
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function until(watch: ServiceWatch, look: (list: InstanceList) => boolean): Promise<void> {
  for await (const list of watch) if (look(list)) return
}
