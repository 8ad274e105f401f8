import type { Instance } from './instance.ts'
import { RECORD_FORMAT, readInstance } from './instance-record.ts'

/**
 * The cache file: the last live list of every service that an application watched.
 * `{ "format": 1, "registry": "zookeeper://…", "app": "shop", "services": { "order": [ record, … ] } }`
 */
const CACHE_FORMAT = 1

export type CachedLists = ReadonlyMap<string, readonly Instance[]>

/** For whom the file was written: a file of another registry or application is as wrong as a damaged one. */
export interface CacheOwner {
  readonly registry: string
  readonly app: string
}

export type DecodedCache =
  | { readonly type: 'lists'; readonly lists: CachedLists }
  | { readonly type: 'damaged'; readonly detail: string }

export function encodeCache(owner: CacheOwner, lists: CachedLists): string {
  const services = [...lists].map(([service, instances]) => [
    service,
    instances.map((instance) => ({ format: RECORD_FORMAT, ...instance })),
  ])
  return JSON.stringify({ format: CACHE_FORMAT, ...owner, services: Object.fromEntries(services) })
}

/** All or nothing: a file with one wrong record is damaged. */
export function decodeCache(text: string, owner: CacheOwner): DecodedCache {
  const file = parseObject(text)
  if (file === undefined) return damaged('it is not a JSON object')
  const { format, registry, app, services } = file
  if (format !== CACHE_FORMAT) return damaged(`its format is ${String(format).slice(0, 40)}`)
  if (registry !== owner.registry || app !== owner.app) return damaged('it is of another registry or app')
  if (typeof services !== 'object' || services === null) return damaged('it has no services')
  const lists = new Map<string, readonly Instance[]>()
  for (const [service, records] of Object.entries(services)) {
    const instances = readAll(service, records)
    if (instances === undefined) return damaged(`the list of ${JSON.stringify(service)} cannot be read`)
    lists.set(service, instances)
  }
  return { type: 'lists', lists }
}

function readAll(service: string, records: unknown): readonly Instance[] | undefined {
  if (!Array.isArray(records)) return undefined
  const instances: Instance[] = []
  for (const record of records) {
    const decoded = readInstance(record)
    if (decoded.type === 'ignored' || decoded.instance.service !== service) return undefined
    instances.push(decoded.instance)
  }
  return instances
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // The caller says that the file is damaged.
    return undefined
  }
}

function damaged(detail: string): DecodedCache {
  return { type: 'damaged', detail }
}
