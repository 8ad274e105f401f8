import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CONNECTION_DEFAULTS, HOST_ERRORS, LISTENER_DEFAULTS, MemoryBudget } from '../../src/host/index.ts'

const page = readFileSync('docs/internals/connection.md', 'utf8')
const MIB = 1024 * 1024

describe('docs/internals/connection.md', () => {
  const limits = { ...CONNECTION_DEFAULTS, maxConnections: LISTENER_DEFAULTS.maxConnections }

  it.each(Object.entries(limits))('says the default of %s', (name, value) => {
    expect(page).toContain(`| \`${name}\` | ${shownDefault(name, value)} |`)
  })

  it('names codes that exist', () => {
    const named = new Set(page.match(/HOST_[A-Z_]+/g))
    expect(Object.keys(HOST_ERRORS)).toEqual(expect.arrayContaining([...named]))
  })
})

function shownDefault(name: string, value: number | MemoryBudget): string {
  if (value instanceof MemoryBudget) return `${value.maxBytes / MIB} MiB`
  if (name.endsWith('Bytes')) return `${value / MIB} MiB`
  const grouped = value.toLocaleString('en-US').replaceAll(',', ' ')
  return name.endsWith('Ms') ? `${grouped} ms` : grouped
}
