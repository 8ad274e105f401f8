// Writes docs/errors.md from the tables of errors in the code.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { globSync } from './glob.js'

const PAGE = 'docs/errors.md'

export async function errorsPage() {
  const tables = []
  const files = globSync('dist', (path) => /[/-]errors\.js$|\/options\.js$/.test(path))
  for (const path of files) {
    const module = await import(pathToFileURL(path).href)
    for (const [name, table] of Object.entries(module)) {
      if (name.endsWith('_ERRORS')) tables.push({ area: name.slice(0, -'_ERRORS'.length), table })
    }
  }
  tables.sort((a, b) => a.area.localeCompare(b.area))
  return `${INTRODUCTION}${tables.map(section).join('\n')}`
}

const INTRODUCTION = `# Errors

Every error that fenbu throws is a \`FenbuError\` with a stable \`code\` (\`AREA_REASON\`), an \`outcome\` and, where there
is one, a \`cause\`. The message names the thing, the value seen and the way out. Test for a code with
\`isFenbuError(error, 'RPC_TIMEOUT')\`, which also recognises errors of another copy of the package.

\`outcome\` is the one field to decide by:

| outcome | meaning | may it be tried again? |
|---|---|---|
| \`not-executed\` | it surely did not run | yes |
| \`executed\` | it ran; this is its result | no |
| \`unknown\` | it may have run | only if it is idempotent |

The tables give the outcome that a code has unless the thrower knows more.

`

function section({ area, table }) {
  const rows = Object.entries(table).map(
    ([code, { outcome, meaning, remedy }]) => `| \`${code}\` | \`${outcome}\` | ${meaning} | ${remedy} |`,
  )
  return `## ${area}\n\n| code | outcome | what happened | what to do |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

if (process.argv[1]?.endsWith('errors-page.js')) writeFileSync(PAGE, await errorsPage())
