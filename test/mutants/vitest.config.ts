import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { conditions } from '../../vitest.config.ts'
import { MUTANTS } from './index.ts'
import type { Mutant } from './mutant.ts'
import { mutantPlugin, problemsOf } from './plugin.ts'
import { ROOT } from './root.ts'
import type { Selection } from './selection.ts'

// One project per mutant, each with that one change in its sources, and one without any: all in one process, since
// starting Vitest takes longer than most of the tests. FENBU_MUTANTS takes only the mutants whose id holds it.

const problems = problemsOf(MUTANTS)
if (problems.length > 0) throw new Error(problems.join('\n'))
const wanted = MUTANTS.filter(({ id }) => id.includes(process.env['FENBU_MUTANTS'] ?? ''))
if (wanted.length === 0) throw new Error(`there is no mutant "${process.env['FENBU_MUTANTS']}"`)

export default defineConfig({
  test: {
    projects: [
      project('unchanged', undefined, selectionOf(wanted)),
      ...wanted.map((mutant) => project(mutant.id, mutant, selectionOf([mutant]))),
    ],
  },
})

function project(
  name: string,
  mutant: Mutant | undefined,
  selection: Selection,
): TestProjectInlineConfiguration {
  return {
    root: ROOT,
    plugins: [mutantPlugin(mutant?.id)],
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    test: {
      name,
      include: Object.keys(selection),
      setupFiles: ['test/mutants/selection.ts'],
      pool: 'forks',
      testTimeout: 20_000,
      // A mutant is caught within the first seeds, or by what all of them together must have seen.
      env: { FENBU_SEEDS: mutant ? '1' : '0.4' },
      provide: { selection, why: mutant?.why ?? '' },
    },
  }
}

function selectionOf(mutants: readonly Mutant[]): Selection {
  const selection: Record<string, string[]> = {}
  for (const { tests, title } of mutants)
    for (const test of tests) {
      selection[test] ??= []
      selection[test].push(title ?? '')
    }
  return selection
}
