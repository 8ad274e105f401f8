export { type CachedLists, type CacheOwner, decodeCache, encodeCache } from './cache-record.ts'
export type {
  Instance,
  InstanceChange,
  InstanceDescription,
  InstanceList,
  InstanceState,
  ListSource,
} from './instance.ts'
export { INSTANCE_FIELDS, invalidField } from './instance-fields.ts'
export {
  type DecodedRecord,
  decodeInstance,
  encodeInstance,
  type IgnoredReason,
  pick,
  RECORD_FORMAT,
  readInstance,
} from './instance-record.ts'
export { DEFAULT_ROOT, decodeName, foldersOf, providerPath, providersPath, servicesPath } from './layout.ts'
export { byId, ListGuard, type ListGuardOptions, type ListGuardOutput, sameList } from './list-guard.ts'
export { retryDelayMs } from './retry-delay.ts'
