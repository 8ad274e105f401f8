import { relative } from 'node:path'
import { beforeEach, inject } from 'vitest'
import { ROOT } from './root.ts'

/** For each test file parts of the titles of the tests that are run; the empty text is part of all. */
export type Selection = Readonly<Record<string, readonly string[]>>

declare module 'vitest' {
  interface ProvidedContext {
    selection: Selection
    /** What the mutant would do to a user. */
    why: string
  }
}

beforeEach(({ task, skip }) => {
  const titles = inject('selection')[relative(ROOT, task.file.filepath)] ?? []
  skip(!titles.some((title) => task.name.includes(title)))
})
