import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/coordination/client/index.ts'
import { startServerProcess } from './server-process.ts'

const STRACE = '/usr/bin/strace'
const NODES = 200
const IN_FLIGHT = 20

/** One system call; times in seconds since 1970. */
interface SystemCall {
  readonly name: string
  readonly file: string
  readonly text: string
  readonly startedS: number
  readonly endedS: number
}

describe('what the server acknowledges', () => {
  it('was written and synced before the reply left, as the kernel saw it (needs strace)', async () => {
    expect(existsSync(STRACE), 'apt-get install strace').toBe(true)
    const folder = await mkdtemp(join(tmpdir(), 'fenbu-strace-'))
    try {
      const names = await createTraced(folder)
      const calls = await readCalls(folder)
      const late = names.filter((name) => !isDurableBeforeReply(name, calls))
      expect(late).toEqual([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 120_000)
})

/** Creates nodes on a server under strace, many at once, and returns their names, which are in no two packets. */
async function createTraced(folder: string): Promise<readonly string[]> {
  const trace = 'trace=write,writev,sendto,sendmsg,pwrite64,pwritev,fdatasync,fsync'
  const options = ['-ff', '-ttt', '-T', '-y', '-s', '1000000', '-e', trace, '-o', join(folder, 'trace')]
  const server = await startServerProcess({ prefix: [STRACE, ...options] })
  const client = connect(`fenbu://127.0.0.1:${server.port}`, { callTimeoutMs: 60_000 })
  const names = Array.from({ length: NODES }, (_, i) => `marker-${i}-end`)
  try {
    await client.ready({ timeoutMs: 30_000 })
    for (let from = 0; from < NODES; from += IN_FLIGHT)
      await Promise.all(
        names.slice(from, from + IN_FLIGHT).map((name) => client.create(`/${name}`, new Uint8Array(10))),
      )
    return names
  } finally {
    await client.close()
    await server.stop()
  }
}

/** The log's write with the name, then a sync of that file from its start to its end, and only then the reply. */
function isDurableBeforeReply(name: string, calls: readonly SystemCall[]): boolean {
  const written = calls.find((call) => call.file.includes('/log/') && call.text.includes(name))
  const replied = calls.find((call) => call.file.includes('socket:') && call.text.includes(name))
  if (!written || !replied) return false
  return calls.some(
    (call) =>
      call.name.endsWith('sync') &&
      call.file === written.file &&
      call.startedS >= written.endedS &&
      call.endedS <= replied.startedS,
  )
}

/** `1700000000.123456 pwrite64(17</tmp/log/1.log>, "…", 4096, 0) = 4096 <0.000123>`, one file per thread. */
async function readCalls(folder: string): Promise<readonly SystemCall[]> {
  const calls: SystemCall[] = []
  for (const file of await readdir(folder)) {
    for (const line of (await readFile(join(folder, file), 'latin1')).split('\n')) {
      const match = /^(\d+\.\d+) (\w+)\(\d+<([^>]*)>(.*) = \d+ <(\d+\.\d+)>$/.exec(line)
      if (!match) continue
      const startedS = Number(match[1])
      calls.push({
        name: match[2]!,
        file: match[3]!,
        text: match[4]!,
        startedS,
        endedS: startedS + Number(match[5]),
      })
    }
  }
  return calls.sort((a, b) => a.startedS - b.startedS)
}
