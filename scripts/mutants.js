// `npm run mutants`: breaks the source in every way that test/mutants lists, one at a time, and demands that a test
// notices. `npm run mutants -- <words>` takes only the mutants whose id holds the words.
import { createVitest } from 'vitest/node'

/** A mutant may make its test go round for ever; that is no proof that anybody notices. */
const RUN_MS_MAX = 300_000

const startedMs = Date.now()
const words = process.argv.slice(2).join(' ')
if (words) process.env.FENBU_MUTANTS = words

/** What became of each mutant, by its id. */
const results = new Map()
/** Why those matter that a test file did not notice. */
const survivors = new Map()
const vitest = await createVitest('test', {
  config: 'test/mutants/vitest.config.ts',
  watch: false,
  maxWorkers: 2,
  reporters: [{ onTestModuleEnd: judge }],
})
const unfinished = new Set(vitest.projects.map(({ name }) => name))
// Failures are what is wanted here: they must not end the run.
const timer = setTimeout(() => finish(), RUN_MS_MAX)
await vitest.start()
clearTimeout(timer)
await vitest.close()
finish()

/** A test must fail; a file that cannot even be loaded has noticed nothing. */
function judge(testModule) {
  const { name } = testModule.project
  const tests = [...testModule.children.allTests()]
  const failed = tests.filter((test) => test.result().state === 'failed')
  const passed = tests.filter((test) => test.result().state === 'passed')
  const problem = testModule.errors()[0]?.message
  unfinished.delete(name)
  if (name === 'unchanged') return judgeUnchanged(testModule, passed, failed, problem)
  // A mutant may have several test files; one that notices is enough.
  if (failed.length === 0) {
    if (!results.get(name)) results.set(name, false)
    survivors.set(name, problem ?? testModule.project.config.provide.why)
    return
  }
  if (results.get(name)) return
  results.set(name, true)
  const tookMs = failed[0].diagnostic()?.duration ?? 0
  console.log(`caught    ${name}: by "${failed[0].name}" in ${(tookMs / 1000).toFixed(1)} s`)
}

/** A test that fails anyway notices nothing. */
function judgeUnchanged(testModule, passed, failed, problem) {
  if (passed.length > 0 && failed.length === 0 && !problem) return
  const what = failed.map((test) => `"${test.name}": ${test.result().errors[0]?.message}`).join('; ')
  console.error(
    `WITHOUT A MUTANT ${testModule.relativeModuleId} does not pass: ${what || problem || 'no test'}`,
  )
  results.set(testModule.moduleId, false)
}

function finish() {
  for (const name of unfinished) {
    console.error(`UNFINISHED ${name}`)
    results.set(name, false)
  }
  for (const [name, why] of survivors) if (!results.get(name)) console.error(`SURVIVED  ${name}: ${why}`)
  const count = vitest.projects.length - 1
  const isFine = [...results.values()].every(Boolean)
  const caught = vitest.projects.filter(({ name }) => results.get(name)).length
  const tookS = Math.round((Date.now() - startedMs) / 1000)
  console.log(`${count} mutants, ${caught} caught, ${tookS} s`)
  process.exit(isFine && caught === count ? 0 : 1)
}
