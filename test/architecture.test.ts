import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Who may import whom: an area on the left may import the doors (`index.ts`) of those on the right, itself, and
 * `OPEN`. What is not listed fails, siblings too. A feature's parts are areas of their own (`rpc/core`); what client
 * and server of a feature share beside its core lies in the feature's own folder.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  bytes: [],
  consensus: [],
  sim: [],
  'atomic-commit': ['consensus'],
  'coordination/core': ['consensus'],
  'mq/core': ['consensus'],
  'kv/core': ['consensus'],
  'rpc/core': [],
  'governance/core': [],
  'registry/core': [],
  models: ['sim', 'consensus', 'atomic-commit', 'coordination/core', 'mq/core', 'kv/core', 'rpc/core'],

  host: [],
  storage: ['host', 'consensus'],
  cluster: ['consensus', 'host', 'storage'],

  'coordination/client': ['coordination/core', 'host'],
  'coordination/server': ['coordination/core', 'host', 'storage', 'cluster', 'consensus'],
  coordination: ['coordination/client'],
  'mq/client': ['mq/core', 'host'],
  'mq/server': ['mq/core', 'host', 'storage', 'cluster', 'consensus'],
  mq: ['mq/client'],
  'kv/client': ['kv/core', 'host'],
  'kv/server': ['kv/core', 'host', 'storage', 'cluster', 'consensus'],
  kv: ['kv/client'],

  engines: ['host', 'coordination/client', 'mq/client', 'kv/client'],
  registry: ['registry/core', 'engines'],
  governance: ['governance/core', 'coordination/client'],
  'rpc/client': ['rpc/core', 'host', 'governance', 'registry'],
  'rpc/server': ['rpc/core', 'host', 'governance', 'registry'],
  'rpc/http': ['rpc/core', 'host', 'governance', 'registry'],
  rpc: ['rpc/core', 'rpc/client', 'rpc/server', 'rpc/http', 'host', 'governance', 'registry'],

  lock: ['engines', 'rpc'],
  id: ['lock', 'engines'],
  session: ['kv/client', 'engines'],
  transaction: ['atomic-commit', 'storage', 'cluster', 'id', 'mq/client', 'rpc', 'engines'],
  dal: ['id', 'transaction', 'engines'],

  admin: ['host'],
  // `engines` for the port that a fenbu:// URL means when it names none.
  server: [
    'coordination/server',
    'mq/server',
    'kv/server',
    'rpc/server',
    'admin',
    'host',
    'storage',
    'cluster',
    'engines',
  ],
  testing: ['server'],
  app: [
    'rpc',
    'coordination/client',
    'mq/client',
    'kv/client',
    'registry',
    'engines',
    'lock',
    'id',
    'session',
    'dal',
    'transaction',
  ],
  'index.ts': ['app'],
}

const OPEN = ['base', 'bytes']

/** Only by `await import()`: what most processes never load. */
const LAZY: Readonly<Record<string, readonly string[]>> = { app: ['server'] }

/** Imports every public door, and those of the areas whose errors it explains. */
const OUTERMOST = 'cli'

/** Packages beside Node's own that an area may import; all others are an engine's, and lazy. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = { cli: ['commander'] }

interface Import {
  readonly target: string
  readonly lazy: boolean
}

describe('who imports whom', () => {
  it.each(filesBelow('src', '.ts'))('%s imports only what its area may, through doors', (file) => {
    expect(importsOf(file).flatMap((found) => objections(file, found))).toEqual([])
  })

  it.each(filesBelow('examples', '.ts'))('%s uses the package as its users do', (file) => {
    const inside = importsOf(file).filter(({ target }) =>
      relative('.', join(dirname(file), target)).startsWith('src'),
    )
    expect(inside.filter(({ target }) => target.startsWith('.'))).toEqual([])
  })

  it('has no circle', () => {
    const visit = (area: string, path: readonly string[]): void => {
      expect(path).not.toContain(area)
      for (const next of [...(LAYERS[area] ?? []), ...(OPEN.includes(area) ? [] : OPEN)])
        visit(next, [...path, area])
    }
    for (const area of Object.keys(LAYERS)) visit(area, [])
  })

  it('lists every area there is', () => {
    const areas = new Set(filesBelow('src', '.ts').map(areaOf))
    areas.delete(OUTERMOST)
    areas.delete('web.d.ts')
    expect(Object.keys(LAYERS)).toEqual(expect.arrayContaining([...areas]))
  })
})

describe('every area', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())

  it.each(folders.map((folder) => folder.name))('%s says on one screen what it is', (area) => {
    const readme = readFileSync(`src/${area}/README.md`, 'utf8')
    expect(readme.startsWith(`# ${area}\n`)).toBe(true)
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  })
})

function objections(file: string, { target, lazy }: Import): string[] {
  const from = areaOf(file)
  if (!target.startsWith('.')) return packageObjections(file, from, target, lazy)
  const path = join(dirname(file), target)
  const to = areaOf(path)
  if (!existsSync(path)) return [`${target} does not exist`]
  if (to === from || to === featureOf(from)) return []
  const allowed = from === OUTERMOST || [...(LAYERS[from] ?? []), ...OPEN].includes(to)
  if (!allowed && !(lazy && LAZY[from]?.includes(to))) return [`${from} may not import ${to} (${target})`]
  return path === doorOf(to) ? [] : [`${target} is inside ${to}; its door is ${doorOf(to)}`]
}

function packageObjections(file: string, from: string, target: string, lazy: boolean): string[] {
  if (target.startsWith('node:')) return isPure(file) ? [`${target} in the pure zone`] : []
  if (PACKAGES[from]?.includes(target) || (from === 'engines' && lazy)) return []
  return [`${from} may not import the package ${target}`]
}

/** Imports and re-exports, of types too: a type from a forbidden place is knowledge of it. */
function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const found = source.matchAll(/\b(?:from|import)\s+'([^']+)'|\bimport\(\s*'([^']+)'/g)
  return [...found].map((match) => ({ target: (match[1] ?? match[2])!, lazy: match[2] !== undefined }))
}

function areaOf(path: string): string {
  const [, area = '', part = '', inner] = path.split('/')
  return inner !== undefined && ['core', 'client', 'server', 'http'].includes(part) ? `${area}/${part}` : area
}

/** `rpc/client` belongs to `rpc`: its folder holds what the parts share. */
function featureOf(area: string): string | undefined {
  return area.includes('/') ? area.split('/')[0] : undefined
}

function doorOf(area: string): string {
  return area === 'index.ts' ? 'src/index.ts' : `src/${area}/index.ts`
}

function isPure(file: string): boolean {
  return /^src\/(?:base|bytes|consensus|atomic-commit|sim|models)\/|^src\/[^/]+\/core\//.test(file)
}

function filesBelow(folder: string, extension: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/(?:node_modules|dist)\//.test(path))
    .sort()
}
