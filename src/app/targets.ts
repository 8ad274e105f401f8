import { checkKnownOptions, invalidOption } from '../base/index.ts'
import { engineError, type Scheme, schemeOf } from '../engines/index.ts'

/** Which engine stands behind what. One URL stands behind everything it can. */
export interface ConnectTargets {
  /** `zookeeper://zk1,zk2/path`, `fenbu://host`, `embedded:` or `embedded:./data`. */
  readonly coordination?: string
  /** The same, or `static:service=host:port,host:port`. Default: the engine of `coordination`. */
  readonly registry?: string
}

export interface ResolvedTargets {
  readonly coordination: string | undefined
  readonly registry: string
  /** Both are one engine: one connection and one session serve them. */
  readonly shared: boolean
}

/** What connect() takes in later versions; naming it now deserves a better answer than "unknown option". */
const LATER: ReadonlySet<string> = new Set(['mq', 'lock', 'kv', 'session', 'id', 'transaction'])

export function resolveTargets(given: string | ConnectTargets): ResolvedTargets {
  if (typeof given === 'string') {
    const scheme: Scheme = schemeOf(given, 'registry')
    return scheme === 'static'
      ? { coordination: undefined, registry: given, shared: false }
      : { coordination: given, registry: given, shared: true }
  }
  if (typeof given !== 'object' || given === null)
    throw invalidOption(
      'connect',
      'the first argument',
      given,
      'a URL, or an object such as { coordination: URL }',
    )
  refuseLater(given)
  checkKnownOptions('connect', given, ['coordination', 'registry'])
  const { coordination, registry = coordination } = given
  if (registry === undefined)
    throw invalidOption(
      'connect',
      'the first argument',
      given,
      '{ coordination: URL }, { registry: URL } or both',
    )
  if (coordination !== undefined) schemeOf(coordination, 'coordination')
  schemeOf(registry, 'registry')
  return { coordination, registry, shared: registry === coordination }
}

function refuseLater(given: object): void {
  const later = Object.keys(given).find((key) => LATER.has(key))
  if (later !== undefined)
    throw engineError(
      'ENGINE_NOT_AVAILABLE',
      `connect: this version of fenbu has no ${later}; it takes { coordination: URL, registry: URL }`,
    )
}
