import { defineConfig } from 'vitest/config'
import { mutantPlugin } from './test/mutants/plugin.ts'

/** Tests load this package's own sources. */
export const conditions: string[] = ['fenbu-src', 'module', 'node', 'default']

export default defineConfig({
  plugins: [mutantPlugin(process.env['FENBU_MUTANT'])],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
