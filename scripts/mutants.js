// `npm run mutants`: breaks the source in every way that test/mutants lists, one at a time, and demands that a test
// notices. `npm run mutants -- <words>` takes only the mutants whose id holds the words.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVitest } from 'vitest/node'

/** Runs at the same time. */
const WIDTH = 2
/** A mutant may make its test wait for ever; that is no proof that anybody notices. */
const RUN_MS_MAX = 60_000

const startedMs = Date.now()
const words = process.argv.slice(2).join(' ')
const folder = mkdtempSync(join(tmpdir(), 'fenbu-mutants-'))
const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const { MUTANTS, problemsOf } = await loadList()
const mutants = MUTANTS.filter(({ id }) => id.includes(words))
const problems = problemsOf(MUTANTS)
for (const problem of problems) console.error(problem)
if (problems.length > 0 || mutants.length === 0) process.exit(1)

let failures = 0
const work = [...unchanged(mutants), ...mutants.map((mutant) => () => judge(mutant))]
await Promise.all(Array.from({ length: WIDTH }, worker))
const caught = mutants.length - failures
console.log(`${mutants.length} mutants, ${caught} caught, in ${seconds(startedMs)} s`)
process.exit(failures === 0 ? 0 : 1)

async function worker() {
  for (let next = work.shift(); next; next = work.shift()) await next()
}

/** The list is TypeScript: loaded as the tests load it. */
async function loadList() {
  const vitest = await createVitest('test', { watch: false, reporters: [] })
  try {
    const [{ MUTANTS }, { problemsOf }] = await Promise.all(
      ['/test/mutants/index.ts', '/test/mutants/plugin.ts'].map((path) => vitest.vite.ssrLoadModule(path)),
    )
    return { MUTANTS, problemsOf }
  } finally {
    await vitest.close()
  }
}

/** A test that fails anyway notices nothing: every selection of tests runs once on the source as it is. */
function unchanged(mutants) {
  const selections = new Map(mutants.map(({ tests, title }) => [`${tests} ${title}`, { tests, title }]))
  return [...selections.values()].map((selection) => async () => {
    const { passed, failed, problem } = await runTests(selection, undefined)
    if (passed > 0 && failed.length === 0 && !problem) return
    failures++
    console.error(
      `without a mutant: ${selection.tests} does not pass (${failed[0]?.title ?? problem ?? 'no test'})`,
    )
  })
}

async function judge(mutant) {
  const startedMs = Date.now()
  const { failed, problem } = await runTests(mutant, mutant.id)
  if (failed.length > 0) {
    console.log(`caught    ${mutant.id}: "${failed[0].title}" in ${seconds(startedMs)} s`)
    return
  }
  failures++
  console.error(
    `SURVIVED  ${mutant.id} (${mutant.file}) in ${seconds(startedMs)} s: ${problem ?? mutant.why}`,
  )
}

/** What the tests said; `problem` when they could not even run. */
async function runTests({ tests, title }, id) {
  const report = join(folder, `${Math.random()}.json`)
  const output = await vitestRun(
    [...tests, '--bail=1', '--reporter=json', `--outputFile=${report}`, ...(title ? ['-t', title] : [])],
    {
      ...process.env,
      FENBU_SEEDS: id === undefined ? '0.4' : '1',
      ...(id !== undefined && { FENBU_MUTANT: id }),
    },
  )
  try {
    const files = JSON.parse(readFileSync(report, 'utf8')).testResults
    const results = files.flatMap((file) => file.assertionResults)
    const broken = files.find((file) => file.status === 'failed' && file.assertionResults.length === 0)
    return {
      passed: results.filter(({ status }) => status === 'passed').length,
      failed: results.filter(({ status }) => status === 'failed'),
      problem: broken && `the test file could not run: ${broken.message}`,
    }
  } catch {
    return { passed: 0, failed: [], problem: `no report; it said: ${output.slice(-2000)}` }
  }
}

function vitestRun(options, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...options], { env })
    children.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX)
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    child.on('close', () => {
      clearTimeout(timer)
      children.delete(child)
      resolve(output)
    })
  })
}

function seconds(sinceMs) {
  return ((Date.now() - sinceMs) / 1000).toFixed(1)
}
