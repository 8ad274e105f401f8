import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SystemCall, systemCalls } from './strace.ts'

const ACKS = 2000

let folder: string
let calls: SystemCall[]

/** The real program, real threads, a real disk, seen from outside: Debian's strace. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fenbu-strace-'))
  const trace = join(folder, 'trace')
  const traced = ['-f', '-s', '6000', '-e', 'trace=pwrite64,write,fdatasync,fsync,rename,openat', '-o', trace]
  const program = [
    process.execPath,
    'test/storage/fixtures/appending.mjs',
    join(folder, 'log'),
    '4',
    String(ACKS),
  ]
  const child = spawn('strace', [...traced, ...program], { stdio: ['ignore', 'ignore', 'inherit'] })
  expect(await once(child, 'close')).toEqual([0, null])
  calls = systemCalls(readFileSync(trace, 'latin1'))
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('no acknowledgement leaves before the fdatasync that covers its record returned', () => {
  const written = firstWrites()
  const syncs = calls.filter(({ name, result }) => name === 'fdatasync' && result === '0')
  const acks = calls.filter(({ name, text }) => name === 'write' && text.startsWith('1, "ack '))
  expect(acks.length).toBe(ACKS)
  for (const ack of acks) {
    const record = `<${/ack (\w+ \d+)/.exec(ack.text)![1]}>`
    const write = written.get(record)
    expect(write, `${record} is written`).toBeDefined()
    const synced = syncs.find((sync) => sync.file === write!.file && sync.begins > write!.ends)
    expect(synced, `${record} is synced`).toBeDefined()
    expect(ack.begins, `${record} is acknowledged after its sync`).toBeGreaterThan(synced!.ends)
  }
})

/** For each record the call that wrote it first. */
function firstWrites(): Map<string, SystemCall> {
  const written = new Map<string, SystemCall>()
  for (const call of calls) {
    if (call.name !== 'pwrite64') continue
    for (const [record] of call.text.matchAll(/<\w+ \d+>/g))
      if (!written.has(record)) written.set(record, call)
  }
  return written
}

test('a new segment is synced before it gets its name, and its folder after', () => {
  const renames = calls.filter(({ name, text }) => name === 'rename' && text.includes('.wal.new'))
  expect(renames.length).toBeGreaterThan(1)
  for (const rename of renames) {
    const opened = calls.find(
      ({ name, text, ends }) =>
        name === 'openat' && text.includes(/"([^"]+\.new)"/.exec(rename.text)![1]!) && ends < rename.begins,
    )!
    const file = opened.result
    expect(
      calls.some(
        (call) =>
          isSync(call) && call.file === file && call.begins > opened.ends && call.ends < rename.begins,
      ),
    ).toBe(true)
    const folderOpened = calls.find(
      ({ name, text, begins }) =>
        name === 'openat' && text.includes('/log", O_RDONLY') && begins > rename.ends,
    )!
    expect(
      calls.some(
        (call) =>
          call.name === 'fsync' && call.file === folderOpened.result && call.begins > folderOpened.ends,
      ),
    ).toBe(true)
  }
})

function isSync({ name, result }: SystemCall): boolean {
  return (name === 'fdatasync' || name === 'fsync') && result === '0'
}
