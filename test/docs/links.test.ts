import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { pages } from './markdown.ts'

it.each(pages())('%s links only to files that exist', (page) => {
  const targets = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^\w+:/.test(target))
  expect(targets.filter((target) => !existsSync(join(dirname(page), target)))).toEqual([])
})
