import { currentCall } from 'fenbu/rpc'
import { CATALOGUE, QUANTITY_MAX, REQUEST_ID } from './catalogue.ts'
import { shopError } from './errors.ts'

/** The request id of the call that is being handled: its caller gave it as the idempotency key. */
export function currentRequestId(): string {
  return checkRequestId(currentCall().idempotencyKey)
}

export function checkRequestId(id: unknown): string {
  if (typeof id !== 'string' || !REQUEST_ID.test(id))
    throw shopError(
      'SHOP_INVALID',
      `the request id is ${shown(id)}; allowed: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit`,
    )
  return id
}

export function checkItem(item: unknown): string {
  if (typeof item !== 'string' || !CATALOGUE.has(item))
    throw shopError(
      typeof item === 'string' && item !== '' ? 'SHOP_UNKNOWN_ITEM' : 'SHOP_INVALID',
      `item is ${shown(item)}; the shop sells ${[...CATALOGUE.keys()].join(', ')}`,
    )
  return item
}

export function checkQuantity(quantity: unknown): number {
  if (!Number.isSafeInteger(quantity) || (quantity as number) < 1 || (quantity as number) > QUANTITY_MAX)
    throw shopError(
      'SHOP_INVALID',
      `quantity is ${shown(quantity)}; allowed: a whole number from 1 to ${QUANTITY_MAX}`,
    )
  return quantity as number
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 120)
}
