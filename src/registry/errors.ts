import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type RegistryErrorCode =
  | 'REGISTRY_URL_INVALID'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_REFUSED'
  | 'REGISTRY_DEREGISTERED'
  | 'REGISTRY_CLOSED'
  | 'REGISTRY_CACHE_CORRUPT'
  | 'REGISTRY_CACHE_FAILED'

/** Errors of finding and announcing instances. */
export const REGISTRY_ERRORS: ErrorTable<RegistryErrorCode> = {
  REGISTRY_URL_INVALID: {
    outcome: 'not-executed',
    meaning: 'The URL of a registry cannot be understood.',
    remedy:
      'Write zookeeper://host:port/path, fenbu://host:port, or static:service=host:port,host:port;other=…',
  },
  REGISTRY_UNREACHABLE: {
    outcome: 'unknown',
    meaning: 'The registry did not answer in time.',
    remedy:
      'Check that it runs, that the URL is right, and whether it wants TLS with a certificate. Calls go on with the last list; a registration that could not be removed ends with its session.',
  },
  REGISTRY_REFUSED: {
    outcome: 'not-executed',
    meaning: 'The registry answered, and refused: missing rights, or a limit of its own.',
    remedy: 'The cause says why; grant the right, or use another path in the URL.',
  },
  REGISTRY_DEREGISTERED: {
    outcome: 'not-executed',
    meaning: 'A registration was used after it was removed.',
    remedy: 'Register again; the new registration has an id of its own.',
  },
  REGISTRY_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The registry was used after close().',
    remedy: 'Open it again, or close it later.',
  },
  REGISTRY_CACHE_CORRUPT: {
    outcome: 'not-executed',
    meaning:
      'The cache file of a registry is damaged or of another format; it was ignored and will be rewritten.',
    remedy: 'Nothing needs to be done; if it happens again, look at the disk and at who else writes there.',
  },
  REGISTRY_CACHE_FAILED: {
    outcome: 'not-executed',
    meaning:
      'The cache file could not be read or written; this process cannot start without the registry later.',
    remedy: 'Give the process a writable cacheFolder, or turn the cache off with cacheFolder: false.',
  },
}

export const registryError: (
  code: RegistryErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<RegistryErrorCode> = errorFactory(REGISTRY_ERRORS)
