import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

/** At least so many, and more as long as there is time. */
const KILLS_MIN = 100
const KILLS_MAX = 300
const TIME_MS = 25_000
const CHAINS = 2
/** How long a process appends before it is killed, at most; some are killed while they open the log. */
const LIFE_MS_MAX = 40
const PROGRAM = 'test/storage/fixtures/appending.mjs'

const children = new Set<ChildProcess>()
const folders: string[] = []
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** What one log promised over all its lives. */
class Promised {
  readonly acknowledged = new Map<string, number>()
  readonly cut = new Map<string, number>()
  lives = 0
  acks = 0
  killedWhileOpening = 0

  read(line: string): void {
    const [verb, stream = '', ...numbers] = line.split(' ')
    const [first = 0, last = 0] = numbers.map(Number)
    if (verb === 'ack') {
      expect(first, 'acknowledged in order').toBe((this.acknowledged.get(stream) ?? 0) + 1)
      this.acknowledged.set(stream, first)
      this.acks++
    } else if (verb === 'cut') this.cut.set(stream, first)
    else if (verb === 'found') {
      expect(last, `${stream}: everything acknowledged is there`).toBeGreaterThanOrEqual(
        this.acknowledged.get(stream) ?? 0,
      )
      expect(first - 1, `${stream}: what was let go is gone`).toBeGreaterThanOrEqual(
        this.cut.get(stream) ?? 0,
      )
      this.acknowledged.set(stream, last)
    } else expect(line).toBe('ready')
  }
}

/** Lets a process append for a while and kills it; everything it managed to say counts. */
async function oneLife(folder: string, promised: Promised): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, folder, '8'], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const lifeMs = Math.random() * LIFE_MS_MAX
  const isEarly = Math.random() < 0.1
  let isReady = false
  let text = ''
  const exited = once(child, 'close')
  const kill = (): void => void child.kill('SIGKILL')
  if (isEarly) child.once('spawn', () => setTimeout(kill, 60 + 3 * lifeMs))
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (isReady || !text.includes('ready')) return
    isReady = true
    setTimeout(kill, lifeMs)
  })
  const [code, signal] = await exited
  children.delete(child)
  expect([code, signal], 'it is killed, it does not fail').toEqual([null, 'SIGKILL'])
  const lines = text.split('\n')
  // The last piece has no end: it was never said.
  for (const line of lines.slice(0, -1)) promised.read(line)
  promised.lives++
  if (!isReady) promised.killedWhileOpening++
}

async function chain(endMs: number): Promise<Promised> {
  const folder = mkdtempSync(join(tmpdir(), 'fenbu-crash-'))
  folders.push(folder)
  const promised = new Promised()
  const isEnough = (): boolean =>
    promised.lives >= KILLS_MAX / CHAINS ||
    (promised.lives >= KILLS_MIN / CHAINS && performance.now() > endMs)
  while (!isEnough()) await oneLife(folder, promised)
  return promised
}

test('a process that is killed hundreds of times at any moment loses nothing that it acknowledged', async () => {
  const endMs = performance.now() + TIME_MS
  const chains = await Promise.all(Array.from({ length: CHAINS }, () => chain(endMs)))
  const total = (count: (promised: Promised) => number): number =>
    chains.reduce((sum, promised) => sum + count(promised), 0)
  expect(total(({ lives }) => lives)).toBeGreaterThanOrEqual(KILLS_MIN)
  expect(total(({ acks }) => acks)).toBeGreaterThan(10 * KILLS_MIN)
  expect(
    total(({ cut }) => cut.size),
    'prefixes were let go',
  ).toBeGreaterThan(0)
}, 300_000)
