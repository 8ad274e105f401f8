export { defaultCacheFolder } from './cache-file.ts'
export { REGISTRY_ERRORS, type RegistryErrorCode, registryError } from './errors.ts'
export { openRegistry } from './open-registry.ts'
export { REGISTRY_DEFAULTS, type RegistryOptions } from './options.ts'
export type {
  IgnoredReason,
  Instance,
  InstanceChange,
  InstanceDescription,
  InstanceList,
  InstanceState,
  ListSource,
  Registration,
  Registry,
  RegistryStatus,
  ServiceWatch,
  WaitOptions,
} from './registry.ts'
