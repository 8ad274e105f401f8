import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runTrace } from './trace.ts'

const FOLDER = join(import.meta.dirname, 'traces')
const UPDATE = process.env['FENBU_UPDATE_TRACES'] === '1'

describe('the coordinator does, step by step, what the trace says (FENBU_UPDATE_TRACES=1 rewrites)', () => {
  for (const file of readdirSync(FOLDER)) {
    test(file, () => {
      const path = join(FOLDER, file)
      const text = readFileSync(path, 'utf8')
      const actual = runTrace(text)
      if (UPDATE) writeFileSync(path, actual)
      else expect(actual).toBe(text)
    })
  }
})
