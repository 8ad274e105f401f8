import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { startServerProcess } from './server-process.ts'

/** Debian's own Python: the one that has Debian's packages. */
const PYTHON = '/usr/bin/python3'
const KAZOO_TESTS = '/usr/lib/python3/dist-packages/kazoo/tests'
const HERE = import.meta.dirname

/** Tests of kazoo that ask for what is not there yet, by the reason. Everything else must pass. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  'needs authentication, and ACLs of those who have it': [
    'TestAuthentication',
    'test_create_makepath_incompatible_acls',
    'test_get_acls',
    'test_set_acls',
    'test_default_acl',
  ],
  'needs a cluster of three': ['test_update_host_list', 'TestReadOnlyMode'],
  'needs reconfig': ['TestReconfig'],
}

/** Whole files: SASL, and the same tests on other ways to wait, whose libraries need not be there. */
const FILES_LEFT_OUT: readonly string[] = [
  'test_sasl.py',
  'test_gevent_handler.py',
  'test_eventlet_handler.py',
]

/** As many as there are in Debian's 2.8.0: fewer means that something was not run. */
const PASSED_MIN = 282

describe('kazoo, the Python client', () => {
  let folder: string
  let port: number

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fenbu-kazoo-'))
    port = await freePort()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('passes its own tests', async () => {
    const files = readdirSync(KAZOO_TESTS).filter(
      (name) => /^test_.*\.py$/.test(name) && !FILES_LEFT_OUT.includes(name),
    )
    const without = Object.values(LEFT_OUT).flat()
    const { output } = await python(
      [
        ...['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'conftest', '-c', '/dev/null'],
        `--rootdir=${folder}`,
        ...['-k', without.map((name) => `not ${name}`).join(' and ')],
        ...files.map((name) => join(KAZOO_TESTS, name)),
      ],
      {
        PYTHONPATH: join(HERE, '../interop/kazoo'),
        PYTHONDONTWRITEBYTECODE: '1',
        ZOOKEEPER_VERSION: '3.8.0',
        KAZOO_SERVER_PORT: String(port),
        KAZOO_SERVER_COMMAND: JSON.stringify([
          process.execPath,
          join(HERE, 'server-process.mjs'),
          join(folder, 'data'),
          String(port),
        ]),
      },
    )
    const failed = /(\d+) (?:failed|errors?)/.exec(output)?.[1]
    expect(failed, output.slice(-6_000)).toBeUndefined()
    expect(Number(/(\d+) passed/.exec(output)?.[1])).toBeGreaterThanOrEqual(PASSED_MIN)
  }, 240_000)
})

describe('a program that uses kazoo', () => {
  for (const [name, start] of [
    ['fenbu', startServerProcess],
    ['ZooKeeper', startRealZooKeeper],
  ] as const)
    it(`finds what it expects on ${name}`, async () => {
      const server = await start()
      try {
        const script = join(HERE, '../interop/kazoo/program.py')
        const { output, code } = await python([script, `127.0.0.1:${server.port}`], {})
        expect(code, output).toBe(0)
        expect(output).toMatch(/^41 checks passed$/m)
      } finally {
        await server.stop()
      }
    }, 90_000)
})

function python(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ output: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const add = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('error', reject)
    child.once('close', (code) => resolve({ output, code }))
  })
}
