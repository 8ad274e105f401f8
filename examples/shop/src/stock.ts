import type { StockBook } from './books/stock-book.ts'
import { CATALOGUE } from './catalogue.ts'
import { checkItem, checkQuantity, currentRequestId } from './request.ts'
import type { Price, StockLevel, StockService, Taking } from './services.ts'

/** The warehouse: its shelves are in the books, its prices in the catalogue. */
export class Stock implements StockService {
  readonly #book: StockBook

  constructor(book: StockBook) {
    this.#book = book
  }

  async take(item: string, quantity: number): Promise<Taking> {
    return { result: await this.#book.take(currentRequestId(), checkItem(item), checkQuantity(quantity)) }
  }

  async look(item: string): Promise<StockLevel | null> {
    return (await this.#book.level(item)) ?? null
  }

  async price(item: string): Promise<Price | null> {
    const priceFen = CATALOGUE.get(item)
    return priceFen === undefined ? null : { item, priceFen }
  }
}
