import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isFenbuError } from 'fenbu'
import type { ShopErrorCode } from './errors.ts'
import { HttpError, type Reply, readJson } from './http-door.ts'
import { checkItem, checkQuantity, checkRequestId } from './request.ts'
import type { Order, OrderService, StockService } from './services.ts'

/** The services as the gateway sees them. */
export interface Backend {
  buy(requestId: string, item: string, quantity: number): Promise<Bought>
  readonly orders: Pick<OrderService, 'find'>
  readonly stock: Pick<StockService, 'look' | 'price'>
  /** How the registry is, for people who ask for the shop's health. */
  health(): Readonly<Record<string, unknown>>
}

/** An order, who answered the call, and how many attempts that took. */
export interface Bought {
  readonly order: Order
  readonly instance: string
  readonly attempts: number
}

/** Answers `POST /orders`, `GET /orders/:id`, `GET /stock/:item`, `GET /price/:item` and `GET /health`. */
export async function route(backend: Backend, request: IncomingMessage, url: URL): Promise<Reply> {
  const [folder = '', name, ...rest] = url.pathname.slice(1).split('/').map(decodeSegment)
  const one = name !== undefined && name !== '' && rest.length === 0
  if (folder === 'orders' && name === undefined)
    return await only('POST', request, () => placeOrder(backend, request))
  if (folder === 'orders' && one) {
    return await only('GET', request, () => found('order', name, calling(backend.orders.find(name))))
  }
  if (folder === 'stock' && one) {
    return await only('GET', request, () => found('item', name, calling(backend.stock.look(name))))
  }
  if (folder === 'price' && one) {
    return await only('GET', request, () => found('item', name, calling(backend.stock.price(name))))
  }
  if (folder === 'health' && name === undefined) {
    return await only('GET', request, async () => ({ status: 200, body: backend.health() }))
  }
  throw new HttpError(
    404,
    'NOT_FOUND',
    `there is no ${url.pathname}; POST /orders, GET /orders/:id, /stock/:item, /price/:item, /health`,
  )
}

async function placeOrder(backend: Backend, request: IncomingMessage): Promise<Reply> {
  const body = await readJson(request, BODY_BYTES_MAX)
  const wanted = await calling((async () => wantedOrder(body, request.headers['idempotency-key']))())
  const { order, instance, attempts } = await calling(
    backend.buy(wanted.requestId, wanted.item, wanted.quantity),
    { 'x-request-id': wanted.requestId },
  )
  return {
    status: order.status === 'confirmed' ? 201 : 409,
    body: order,
    headers: {
      location: `/orders/${order.id}`,
      'x-request-id': order.id,
      'x-served-by': instance,
      'x-attempts': String(attempts),
    },
  }
}

/** An order with more than this is no order. */
const BODY_BYTES_MAX = 4_096

function wantedOrder(
  body: unknown,
  header: string | string[] | undefined,
): { readonly requestId: string; readonly item: string; readonly quantity: number } {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HttpError(400, 'SHOP_INVALID', 'the body is no object; an order is {"item":"HHKB键盘"}')
  const { item, quantity = 1, requestId, ...unknown } = body as Record<string, unknown>
  const [surplus] = Object.keys(unknown)
  if (surplus !== undefined)
    throw new HttpError(
      400,
      'SHOP_INVALID',
      `an order has no ${JSON.stringify(surplus.slice(0, 80))}; it has item, quantity and requestId`,
    )
  if (requestId !== undefined && header !== undefined && requestId !== header)
    throw new HttpError(
      400,
      'SHOP_INVALID',
      'requestId and the header Idempotency-Key differ; send one of them',
    )
  return {
    requestId: checkRequestId(requestId ?? header ?? randomUUID()),
    item: checkItem(item),
    quantity: checkQuantity(quantity),
  }
}

async function found(what: string, name: string, lookUp: Promise<object | null>): Promise<Reply> {
  const body = await lookUp
  if (body === null) throw new HttpError(404, 'NOT_FOUND', `there is no ${what} ${JSON.stringify(name)}`)
  return { status: 200, body }
}

async function only(method: string, request: IncomingMessage, answer: () => Promise<Reply>): Promise<Reply> {
  if (request.method === method) return await answer()
  throw new HttpError(405, 'WRONG_METHOD', `${request.method} is not possible here; use ${method}`, {
    headers: { allow: method },
  })
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new HttpError(400, 'BAD_URL', 'the path is not UTF-8 in percent encoding')
  }
}

/** What the shop refused keeps its reason; what the services could not answer becomes 503 or 504. */
async function calling<Value>(
  call: PromiseLike<Value>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Value> {
  try {
    return await call
  } catch (error) {
    if (!isFenbuError(error)) throw error
    const { code, message, outcome } = error
    const status = STATUS_OF_ERROR[code as ShopErrorCode] ?? (outcome === 'not-executed' ? 503 : 504)
    if (status < 500) throw new HttpError(status, code, message, { headers })
    throw new HttpError(status, code, message, { outcome, headers: { ...headers, 'retry-after': '1' } })
  }
}

const STATUS_OF_ERROR: Readonly<Record<ShopErrorCode, number>> = {
  SHOP_INVALID: 400,
  SHOP_UNKNOWN_ITEM: 404,
  SHOP_REQUEST_ID_REUSED: 422,
  SHOP_UNSETTLED: 504,
}
