import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
// @ts-expect-error a plain script without declarations
import { errorsPage } from '../../scripts/errors-page.js'

it('docs/errors.md lists exactly the errors of the code (npm run docs writes it anew)', async () => {
  expect(readFileSync('docs/errors.md', 'utf8')).toBe(await errorsPage())
})
