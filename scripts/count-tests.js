// Adds up the reports of all test runs and the steps that failed: `N passed, N failed`.
import { readFileSync } from 'node:fs'
import { globSync } from './glob.js'

let passed = 0
let failed = Number(process.argv[2] ?? 0)
for (const path of globSync('.fenbu', (name) => /\/test-\w+\.json$/.test(name))) {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests + report.numPendingTests + report.numTodoTests
}
console.log(`${passed} passed, ${failed} failed`)
