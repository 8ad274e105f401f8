import type { OrderStatus } from '../services.ts'

/** The data of the books' nodes: JSON, checked when read, because anybody may have written there. */
export interface OrderRecord {
  readonly item: string
  readonly quantity: number
  readonly status: OrderStatus
  readonly placedAtMs: number
}

export interface StockRecord {
  readonly initial: number
  readonly left: number
}

export interface TakenRecord {
  readonly quantity: number
}

export function encodeRecord(record: OrderRecord | StockRecord | TakenRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record))
}

export function decodeOrder(path: string, data: Uint8Array): OrderRecord {
  const { item, quantity, status, placedAtMs } = parse(path, data)
  if (typeof item !== 'string' || !isStatus(status)) throw new DamagedRecordError(path, data)
  return {
    item,
    status,
    quantity: count(path, data, quantity),
    placedAtMs: count(path, data, placedAtMs),
  }
}

export function decodeStock(path: string, data: Uint8Array): StockRecord {
  const { initial, left } = parse(path, data)
  return { initial: count(path, data, initial), left: count(path, data, left) }
}

export function decodeTaken(path: string, data: Uint8Array): TakenRecord {
  return { quantity: count(path, data, parse(path, data).quantity) }
}

/** A node of the books holds something that no version of the shop wrote. */
class DamagedRecordError extends Error {
  constructor(path: string, data: Uint8Array) {
    super(
      `${path} holds ${JSON.stringify(new TextDecoder().decode(data.subarray(0, 80)))}, which is no record`,
    )
    this.name = 'DamagedRecordError'
  }
}

/** What may be in a record, before it is checked. */
type Fields = { readonly [Field in keyof (OrderRecord & StockRecord)]?: unknown }

function parse(path: string, data: Uint8Array): Fields {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    throw new DamagedRecordError(path, data)
  }
  if (typeof value !== 'object' || value === null) throw new DamagedRecordError(path, data)
  return value
}

function count(path: string, data: Uint8Array, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new DamagedRecordError(path, data)
  return value
}

function isStatus(value: unknown): value is OrderStatus {
  return value === 'pending' || value === 'confirmed' || value === 'sold-out'
}
