import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CodeBlock, codeBlocks, pages } from './markdown.ts'

const blocks = pages().flatMap((page) => codeBlocks(page))
const programs = blocks.filter(({ language }) => language === 'ts' || language === 'js')
const name = ({ page, line }: CodeBlock): string => `${page}:${line}`

// Inside the repository, so that `fenbu` resolves to the package as its users import it.
mkdirSync('.fenbu', { recursive: true })
const folder = mkdtempSync('.fenbu/code-blocks-')
afterAll(() => rmSync(folder, { recursive: true }))

describe('every program in the documentation', () => {
  beforeAll(() => {
    programs.forEach((block, i) => {
      writeFileSync(`${folder}/block-${i}.${block.language === 'ts' ? 'mts' : 'mjs'}`, block.code)
    })
    const options = {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      types: ['node'],
    }
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: options, include: ['*.mts'] }))
    const compiled = spawnSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' })
    expect(compiled.stdout, 'the blocks compile').toBe('')
  }, 60_000)

  it.each(programs.map((block, i) => ({ title: name(block), i })))('$title runs to its end', ({ i }) => {
    const run = spawnSync(process.execPath, [`${folder}/block-${i}.mjs`], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
  })
})

describe('every command in the documentation', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const help = spawnSync(process.execPath, ['dist/cli/main.js', '--help'], { encoding: 'utf8' }).stdout
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap((block) =>
      block.code.split('\n').map((command) => ({ title: `${name(block)} ${command}`, command })),
    )
    .flatMap(({ title, command }) => command.split('&&').map((part) => ({ title, command: part.trim() })))
    .filter(({ command }) => command !== '' && !command.startsWith('#'))

  it.each(commands)('$title exists', ({ command }) => {
    const [program, first = '', second = ''] = command.replace(/^npx /, '').split(/\s+/)
    if (program === 'npm' && first === 'run') expect(Object.keys(scripts)).toContain(second)
    else if (program === 'npm') expect(['ci', 'i', 'install', 'start', 'test']).toContain(first)
    else if (program === 'fenbu') expect(help).toMatch(new RegExp(`^  ${first}\\b`, 'm'))
    else expect(['git', 'cd', 'curl', 'apt-get', 'node']).toContain(program)
  })
})
