import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codeBlocks } from './markdown.ts'

const english = readFileSync('README.md', 'utf8')
const chinese = readFileSync('README.zh-CN.md', 'utf8')
const outline = (text: string): readonly number[] =>
  [...text.matchAll(/^(#+) /gm)].map((match) => match[1]?.length ?? 0)
const withoutComments = (code: string): string => code.replace(/\s*(\/\/|#).*$/gm, '')

describe('README.md and README.zh-CN.md', () => {
  it('link each other on the first line', () => {
    expect(english.split('\n')[0]).toContain('README.zh-CN.md')
    expect(chinese.split('\n')[0]).toContain('README.md')
  })

  it('have the same outline', () => {
    expect(outline(chinese)).toEqual(outline(english))
  })

  it('show the same code, comments aside', () => {
    const code = (page: string) => codeBlocks(page).map((block) => withoutComments(block.code))
    expect(code('README.zh-CN.md')).toEqual(code('README.md'))
  })

  it('point to the same places', () => {
    const links = (text: string) =>
      [...text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]).filter((to) => !to?.startsWith('README'))
    expect(links(chinese)).toEqual(links(english))
  })

  it('have tables of the same shape', () => {
    const rows = (text: string) => [...text.matchAll(/^\|.*\|$/gm)].map(([row]) => row.split('|').length)
    expect(rows(chinese)).toEqual(rows(english))
  })
})
