import type { EngineRole } from './engine.ts'
import { engineError } from './errors.ts'

/** The part of a URL before the colon. */
export type Scheme = 'zookeeper' | 'fenbu' | 'embedded' | 'static'

interface SchemeRow {
  readonly roles: readonly EngineRole[]
  readonly example: string
}

/** What this version speaks. */
export const SCHEMES: Readonly<Record<Scheme, SchemeRow>> = {
  fenbu: { roles: ['coordination', 'registry'], example: 'fenbu://localhost' },
  embedded: { roles: ['coordination', 'registry'], example: 'embedded:./data' },
  zookeeper: { roles: ['coordination', 'registry'], example: 'zookeeper://zk1:2181,zk2:2181/shop' },
  static: { roles: ['registry'], example: 'static:order=127.0.0.1:7001,127.0.0.1:7002' },
}

/** Engines that people will name and that this version does not speak to: an honest answer beats a guess. */
const NOT_YET: ReadonlySet<string> = new Set([
  'amqp',
  'amqps',
  'consul',
  'etcd',
  'mariadb',
  'mysql',
  'nacos',
  'postgres',
  'postgresql',
  'rabbitmq',
  'redis',
  'rediss',
  'sqlite',
  'valkey',
])

/** Which of the known schemes a URL has, checked against what it is to be used for. */
export function schemeOf(url: unknown, role: EngineRole): Scheme {
  const scheme = typeof url === 'string' ? /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() : undefined
  if (scheme === undefined)
    throw engineError(
      'ENGINE_URL_INVALID',
      `${role} ${shownUrl(url)} is not a URL; write for example ${examples(role)}`,
    )
  if (!Object.hasOwn(SCHEMES, scheme)) throw unavailable(scheme, url as string, role)
  const row = SCHEMES[scheme as Scheme]
  if (!row.roles.includes(role))
    throw engineError(
      'ENGINE_WRONG_ROLE',
      `${scheme}: cannot serve as ${role} (${shownUrl(url)}); write for example ${examples(role)}`,
    )
  return scheme as Scheme
}

/** A URL for messages and status: credentials are nobody else's business. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}

function unavailable(scheme: string, url: string, role: EngineRole): Error {
  if (NOT_YET.has(scheme))
    return engineError(
      'ENGINE_NOT_AVAILABLE',
      `${role} ${shownUrl(url)}: this version of fenbu does not speak ${scheme}:; as ${role} it takes ${examples(role)}`,
    )
  return engineError(
    'ENGINE_SCHEME_UNKNOWN',
    `${role} ${shownUrl(url)}: there is no engine ${scheme}:; as ${role} it takes ${examples(role)}`,
  )
}

function examples(role: EngineRole): string {
  return Object.values(SCHEMES)
    .filter((row) => row.roles.includes(role))
    .map((row) => row.example)
    .join(', ')
}

function shownUrl(url: unknown): string {
  return typeof url === 'string' ? JSON.stringify(withoutCredentials(url)) : String(url)
}
