import { readdirSync, readFileSync } from 'node:fs'

/** A fenced block of a page. */
export interface CodeBlock {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly code: string
}

/** Every page of documentation in the repository. */
export function pages(): readonly string[] {
  const roots = ['docs', 'src', 'examples', 'test', 'bench']
  const below = roots.flatMap((root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .filter((path) => !path.includes('node_modules')),
  )
  const top = readdirSync('.').filter((name) => name.endsWith('.md'))
  return [...top, ...below].sort()
}

export function codeBlocks(page: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  const lines = readFileSync(page, 'utf8').split('\n')
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w*)/.exec(lines[i] ?? '')?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', i + 1)
    if (end === -1) throw new Error(`${page}:${i + 1}: this block has no end`)
    blocks.push({ page, line: i + 1, language, code: lines.slice(i + 1, end).join('\n') })
    i = end
  }
  return blocks
}
