import { StockBook } from './books/stock-book.ts'
import { CATALOGUE } from './catalogue.ts'
import { JOIN_OPTIONS, joinShop } from './join-shop.ts'
import { play, urlOf } from './role.ts'
import { readRoleOptions } from './role-options.ts'
import type { StockService } from './services.ts'
import { Stock } from './stock.ts'

/** A process that provides `StockService`. */
await play(async () => {
  const options = readRoleOptions('stock', 'stock', ...JOIN_OPTIONS)
  const app = await joinShop(options)
  const book = new StockBook(app.coordination)
  for (const item of CATALOGUE.keys()) await book.stock(item, options.number('stock', 1_000_000))
  const provided = await app.provide<StockService>('stock', new Stock(book), {
    version: '1.0.0',
    methods: ['take', 'look', 'price'],
    metadata: { name: options.name, pid: String(process.pid) },
  })
  return {
    ready: { url: urlOf(provided) },
    journeys: () => [],
    drain: () => app.close(),
  }
})
