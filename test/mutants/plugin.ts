import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plugin } from 'vitest/config'
import { MUTANTS } from './index.ts'
import type { Mutant } from './mutant.ts'
import { ROOT } from './root.ts'

/** With FENBU_MUTANT=<id> the source is loaded with that one change in it; otherwise as it is. */
export function mutantPlugin(id: string | undefined): Plugin {
  const mutant = id === undefined ? undefined : mutantOf(id)
  const path = mutant && resolve(ROOT, mutant.file)
  return {
    name: 'mutant',
    enforce: 'pre',
    transform: (source, moduleId) =>
      mutant && moduleId.split('?')[0] === path ? { code: mutated(source, mutant), map: null } : undefined,
  }
}

/** The source with the change; throws unless there is exactly one place for it. */
function mutated(source: string, { id, file, find, replace }: Mutant): string {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `mutant "${id}": its text stands ${source.split(find).length - 1} times in ${file}, not once`,
    )
  return before + replace + after
}

/** Why the list cannot be used; empty if it can. */
export function problemsOf(mutants: readonly Mutant[]): string[] {
  const problems: string[] = []
  const ids = new Set<string>()
  for (const mutant of mutants) {
    if (ids.has(mutant.id)) problems.push(`mutant "${mutant.id}" is there twice`)
    ids.add(mutant.id)
    try {
      mutated(readFileSync(resolve(ROOT, mutant.file), 'utf8'), mutant)
    } catch (error) {
      problems.push((error as Error).message)
    }
    for (const test of mutant.tests)
      if (!existsSync(resolve(ROOT, test))) problems.push(`mutant "${mutant.id}": there is no ${test}`)
  }
  return problems
}

function mutantOf(id: string): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.id === id)
  if (!mutant)
    throw new Error(`there is no mutant "${id}"; there are: ${MUTANTS.map(({ id }) => id).join(', ')}`)
  return mutant
}
