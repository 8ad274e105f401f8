import { OrderBook } from './books/order-book.ts'
import { dieAtRandom, NO_CHAOS } from './chaos.ts'
import { JOIN_OPTIONS, joinShop } from './join-shop.ts'
import { JourneyLog } from './journey-log.ts'
import { Orders } from './orders.ts'
import { play, urlOf } from './role.ts'
import { readRoleOptions } from './role-options.ts'
import type { OrderService, StockService } from './services.ts'

/** A process that provides `OrderService`, with the help of `StockService`. */
await play(async () => {
  const options = readRoleOptions('order', 'chaos-seed', 'chaos-share', ...JOIN_OPTIONS)
  const share = options.share('chaos-share')
  const chaos = share === 0 ? NO_CHAOS : dieAtRandom(options.number('chaos-seed', 0), share)

  const app = await joinShop(options)
  const journeys = new JourneyLog(options.name, app.registry, ['stock'])
  const book = new OrderBook(app.coordination)
  await book.prepare()
  const stock = app.service<StockService>('stock', { idempotent: ['take'] })
  const orders = new Orders(
    book,
    (requestId, item, quantity) => stock.with({ idempotencyKey: requestId }).take(item, quantity),
    chaos,
  )
  const provided = await app.provide<OrderService>('order', orders, {
    version: '1.0.0',
    methods: ['buy', 'find'],
    metadata: { name: options.name, pid: String(process.pid) },
  })

  const stopping = new AbortController()
  const leftovers = orders.finishLeftovers(stopping.signal, (error) => console.error('leftovers:', error))
  return {
    ready: { url: urlOf(provided) },
    journeys: (requestId) => journeys.of(requestId),
    async drain() {
      stopping.abort()
      await leftovers
      await app.close()
    },
  }
})
