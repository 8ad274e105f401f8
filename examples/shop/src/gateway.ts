import { route } from './gateway-routes.ts'
import { HttpDoor } from './http-door.ts'
import { JOIN_OPTIONS, joinShop } from './join-shop.ts'
import { JourneyLog } from './journey-log.ts'
import { play } from './role.ts'
import { readRoleOptions } from './role-options.ts'
import type { OrderService, StockService } from './services.ts'

/** The process that customers talk to: HTTP in front, typed calls behind. */
await play(async () => {
  const options = readRoleOptions('gateway', 'port', ...JOIN_OPTIONS)
  const app = await joinShop(options)
  const journeys = new JourneyLog(options.name, app.registry, ['order'])
  const orders = app.service<OrderService>('order', { timeoutMs: 3_000, idempotent: ['buy', 'find'] })
  const stock = app.service<StockService>('stock', { idempotent: ['look', 'price'] })
  const providers = ['order', 'stock'].map((service) => app.registry.watch(service))

  const door = new HttpDoor((request, url) =>
    route(
      {
        orders,
        stock,
        async buy(requestId, item, quantity) {
          const order = await orders.with({ idempotencyKey: requestId }).buy(item, quantity)
          const attempts = journeys.of(requestId).at(-1)?.attempts ?? []
          return { order, instance: attempts.at(-1)?.instance ?? '', attempts: attempts.length }
        },
        health: () => ({
          ...app.status,
          providers: providers.flatMap(({ current }) => current?.instances ?? []),
        }),
      },
      request,
      url,
    ),
  )
  const port = await door.listen(options.number('port', 8080, 65_535))
  return {
    ready: { url: `http://127.0.0.1:${port}` },
    journeys: (requestId) => journeys.of(requestId),
    async drain() {
      await door.drain()
      await app.close()
    },
  }
})
