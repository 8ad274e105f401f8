// npm run bench -- NAME [--json]: runs bench/NAME.js, which exports run({ log }) and resolves with its figures.
// With --json the last line is the figures and nothing else is printed.
import { readdirSync } from 'node:fs'

const args = process.argv.slice(2)
const json = args.includes('--json')
const name = args.find((arg) => !arg.startsWith('--'))
const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.js') && file !== 'main.js')
  .map((file) => file.slice(0, -3))
  .sort()

if (name === undefined || !known.includes(name)) {
  console.error(`npm run bench -- NAME [--json]; benches: ${known.join(', ')}`)
  process.exitCode = 2
} else {
  const { run } = await import(new URL(`./${name}.js`, import.meta.url).href)
  const result = await run({ log: json ? () => {} : (line) => console.log(line) })
  console.log(json ? JSON.stringify(result) : JSON.stringify(result, null, 2))
}
