import { rpcError } from './errors.ts'
import { compareVersions, type VersionRange } from './version-range.ts'

/** A remote method as the server runs it. */
export interface ProvidedMethod {
  readonly name: string
  readonly service: ProvidedService
  /** The caller and the provider agree that running it twice does no harm. */
  readonly idempotent: boolean
  readonly run: (...args: unknown[]) => unknown
}

export interface ProvidedService {
  readonly service: string
  readonly group: string
  readonly version: string
  /** Looked up by names from the wire; holds nothing but what was provided. */
  readonly methods: ReadonlyMap<string, ProvidedMethod>
}

/** Services of one process by (name, group, version); several versions and groups live beside each other. */
export class ServiceTable {
  readonly #services = new Map<string, ProvidedService[]>()
  #revision = 0

  /** Counts changes: who remembers what `find` said asks again when it moved. */
  get revision(): number {
    return this.#revision
  }

  add(service: ProvidedService): void {
    const versions = this.#services.get(service.service) ?? []
    if (versions.some((other) => other.group === service.group && other.version === service.version))
      throw rpcError(
        'RPC_ALREADY_PROVIDED',
        `service ${service.service} ${service.version} in group ${service.group} is provided already`,
      )
    versions.push(service)
    this.#revision++
    this.#services.set(service.service, versions)
  }

  remove(service: ProvidedService): void {
    this.#revision++
    const versions = this.#services.get(service.service)?.filter((other) => other !== service) ?? []
    if (versions.length === 0) this.#services.delete(service.service)
    else this.#services.set(service.service, versions)
  }

  /** The highest version within the range; undefined if there is none. */
  find(service: string, group: string, range: VersionRange): ProvidedService | undefined {
    let best: ProvidedService | undefined
    for (const candidate of this.#services.get(service) ?? [])
      if (candidate.group === group && range.includes(candidate.version))
        if (best === undefined || compareVersions(candidate.version, best.version) > 0) best = candidate
    return best
  }

  /** What is there under a name, for the message of a refusal. */
  describe(service: string): string {
    const versions = this.#services.get(service) ?? []
    return versions.length === 0
      ? 'nothing of that name'
      : versions.map(({ version, group }) => `${version} in group ${group}`).join(', ')
  }
}
