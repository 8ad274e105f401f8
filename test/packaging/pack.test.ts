import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeBlocks } from '../docs/markdown.ts'

const BIN = resolve('node_modules/.bin')
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, unknown>
  scripts: Record<string, string>
  dependencies: Record<string, string>
}
const doors = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace(/^\./, 'fenbu'))
const programs = codeBlocks('README.md').filter(({ language }) => language === 'ts')

/** What README's programs take from their surroundings, for projects that have neither the DOM nor @types/node. */
const GLOBALS = `
declare const console: { log(...values: unknown[]): void }
declare class TextEncoder { encode(text: string): Uint8Array }
declare class TextDecoder { decode(bytes: Uint8Array): string }
`

describe('the package, installed into an empty project', () => {
  let folder: string
  let project: string
  let tarball: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fenbu-pack-'))
    run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder])
    tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!)
    project = mkdtempSync(join(folder, 'project-'))
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    run(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent', tarball],
      project,
    )
    programs.forEach(({ code }, at) => {
      writeFileSync(join(project, `readme-${at}.ts`), code)
    })
    const imports = doors.map((door, at) => `import * as door${at} from '${door}'\nexport { door${at} }`)
    writeFileSync(join(project, 'doors.ts'), imports.join('\n'))
  }, 180_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('needs no install script, and brings only what it declares', () => {
    expect(
      Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name)),
    ).toEqual([])
    const installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))
    const declared = Object.keys(manifest.dependencies).map((name) => name.split('/')[0]!)
    expect(installed.sort()).toEqual([...new Set([...declared, 'fenbu'])].sort())
  })

  it('holds what was built and its sources, and nothing that was left lying about', () => {
    const files = readdirSync(join(project, 'node_modules/fenbu'), { recursive: true }) as string[]
    const sources = new Set(files.filter((path) => path.startsWith('src/')))
    const orphans = files
      .filter((path) => /^dist\/.*\.js$/.test(path))
      .filter((path) => !sources.has(path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts')))
    expect(orphans, 'sources were deleted since dist was made; remove dist and build it anew').toEqual([])
    expect(files.filter((path) => path.endsWith('.tsbuildinfo') || path.startsWith('test'))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['README.md', 'README.zh-CN.md', 'dist/cli/main.js']))
  })

  it.each([
    ['lib es2022 alone', ['--lib', 'es2022', '--types', '']],
    ['the DOM', ['--lib', 'es2022,dom', '--types', '']],
    ['@types/node', ['--lib', 'es2022', '--typeRoots', resolve('node_modules/@types'), '--types', 'node']],
    [
      'everything at once',
      [
        '--lib',
        'esnext,dom',
        '--typeRoots',
        resolve('node_modules/@types'),
        '--types',
        'node',
        '--exactOptionalPropertyTypes',
      ],
    ],
  ])(
    'compiles with %s, its declarations checked too',
    (title, options) => {
      const bare = title === 'lib es2022 alone'
      if (bare) writeFileSync(join(project, 'globals.d.ts'), GLOBALS)
      const files = [
        'doors.ts',
        ...programs.map((_, at) => `readme-${at}.ts`),
        ...(bare ? ['globals.d.ts'] : []),
      ]
      const compiled = spawnSync(
        join(BIN, 'tsc'),
        [
          '--strict',
          '--target',
          'es2022',
          '--module',
          'nodenext',
          '--skipLibCheck',
          'false',
          '--outDir',
          'built',
          ...options,
          ...files,
        ],
        { cwd: project, encoding: 'utf8' },
      )
      expect(compiled.stdout).toBe('')
      expect(compiled.status).toBe(0)
    },
    60_000,
  )

  it.each(programs.map(({ line }, at) => [line, at] as const))(
    'runs the program in README.md:%i, as the JavaScript that it compiles to',
    (_line, at) => {
      const ended = spawnSync(process.execPath, [`built/readme-${at}.js`], {
        cwd: project,
        encoding: 'utf8',
        timeout: 20_000,
      })
      expect(ended.stderr).toBe('')
      expect(ended.stdout).not.toBe('')
      expect(ended.status).toBe(0)
    },
  )

  it('has a command', () => {
    const help = spawnSync(join(project, 'node_modules/.bin/fenbu'), ['--help'], { encoding: 'utf8' })
    expect(help.stdout).toContain('Usage: fenbu')
    expect(help.status).toBe(0)
  })

  it('resolves for everyone who imports it (attw)', () => {
    const checked = spawnSync(join(BIN, 'attw'), [tarball, '--profile', 'esm-only'], { encoding: 'utf8' })
    expect(checked.stdout).toContain('"fenbu/testing"')
    expect(checked.status, checked.stdout).toBe(0)
  }, 60_000)

  it('is what its manifest says (publint)', () => {
    const checked = spawnSync(join(BIN, 'publint'), [tarball, '--strict'], { encoding: 'utf8' })
    expect(checked.status, checked.stdout).toBe(0)
  }, 60_000)
})

function run(command: string, args: readonly string[], cwd?: string): SpawnSyncReturns<string> {
  const ended = spawnSync(command, args, { cwd, encoding: 'utf8' })
  expect(ended.status, `${command} ${args.join(' ')}: ${ended.stderr}`).toBe(0)
  return ended
}
