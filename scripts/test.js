// `npm test`: everything that needs no engine. `npm run test:all`: everything.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { globSync } from './glob.js'

const [mode = 'fast', ...filters] = process.argv.slice(2)
const report = `.fenbu/test-${mode}.json`
const engineTests = globSync('test', (path) => path.endsWith('.interop.test.ts'))
mkdirSync('.fenbu', { recursive: true })

const vitest = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...filters,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(mode === 'all' ? [] : ['--exclude=**/*.interop.test.ts']),
  ],
  { stdio: 'inherit' },
)

if (mode !== 'all') {
  console.log(`\nNot run, because they need engines (${engineTests.length} files):`)
  for (const path of engineTests) console.log(`  ${path}`)
  console.log(
    'To run them too, on Debian 12: apt-get install -y zookeeper python3-kazoo python3-pytest strace && npm run test:all',
  )
}
process.exit(vitest.status === 0 && nothingSkipped() ? 0 : 1)

/** Where nobody reads along, a skipped test would pass for a green one. */
function nothingSkipped() {
  if (!process.env.CI) return true
  const { numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'))
  const skipped = numPendingTests + numTodoTests
  if (skipped > 0) console.error(`${skipped} tests were skipped; in CI that is a failure`)
  return skipped === 0
}
