import { createHash } from 'node:crypto'

/**
 * Where the books are, below the chroot of the run:
 *
 *     /shop/orders/<shard>/<request id>               one order, created once
 *     /shop/pending/<request id>                      exists as long as the order is not settled
 *     /shop/stock/<item>                              {"initial", "left"}, changed by compare-and-set only
 *     /shop/stock/<item>/taken/<shard>/<request id>   what one request took, created with the change of the stock
 */
export const ORDERS = '/shop/orders'
export const PENDING = '/shop/pending'
export const STOCK = '/shop/stock'

/**
 * 256 shards: the list of a node's children must stay below 1 MB (ZooKeeper's jute.maxbuffer), which a folder
 * reaches at some 15 000 names of 64 characters; the shop holds 4 million.
 */
function shardOf(requestId: string): string {
  return createHash('sha256').update(requestId).digest('hex').slice(0, 2)
}

export function orderPath(requestId: string): string {
  return `${ORDERS}/${shardOf(requestId)}/${requestId}`
}

export function pendingPath(requestId: string): string {
  return `${PENDING}/${requestId}`
}

export function stockPath(item: string): string {
  return `${STOCK}/${nodeName(item)}`
}

function takenFolder(item: string): string {
  return `${stockPath(item)}/taken`
}

export function takenPath(item: string, requestId: string): string {
  return `${takenFolder(item)}/${shardOf(requestId)}/${requestId}`
}

/** Any text as the name of a node: ZooKeeper refuses `/`, `.`, `..` and some ranges of Unicode. */
function nodeName(text: string): string {
  const name = encodeURIComponent(text)
  return name === '.' || name === '..' ? name.replaceAll('.', '%2E') : name
}

export function textOfNode(name: string): string {
  return decodeURIComponent(name)
}
