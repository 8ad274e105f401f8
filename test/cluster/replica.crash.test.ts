import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { below, seededRandom } from '../../src/sim/index.ts'

/** At least so many, and more as long as there is time. */
const LIVES_MIN = 24
const LIVES_MAX = 80
const TIME_MS = 20_000
/** Nodes side by side, each with a folder of its own. */
const CHAINS = 2
const SEED = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** A process is killed after a random number of acknowledgements, and then at a random moment. */
const ACKS_MAX = 200
const DELAY_MS_MAX = 8
const PROGRAM = 'test/cluster/fixtures/proposing.mjs'

const children = new Set<ChildProcess>()
const folders: string[] = []
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** What one node promised over all its lives, and what they met. */
class Node {
  readonly folder: string
  readonly random: ReturnType<typeof seededRandom>
  acknowledged = 0
  snapshotIndex = 0
  lives = 0
  acks = 0
  startsFromSnapshot = 0
  newSnapshots = 0

  constructor(number: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'fenbu-node-'))
    folders.push(this.folder)
    this.random = seededRandom(`${SEED} ${number}`)
  }

  /** Everything that a process managed to say counts; the last line may have no end, and was never said. */
  heard(text: string): void {
    for (const line of text.split('\n').slice(0, -1)) {
      const [verb, number = 0] = line.split(' ').map((word, i) => (i === 0 ? word : Number(word)))
      if (verb === 'ack') this.#acknowledge(Number(number))
      else if (verb === 'found') this.#found(Number(number))
      else if (verb === 'snapshots') this.#snapshot(Number(number))
      else expect(line).toBe('ready')
    }
  }

  #acknowledge(number: number): void {
    expect(number, 'in order, once').toBe(this.acknowledged + 1)
    this.acknowledged = number
    this.acks++
  }

  #found(last: number): void {
    expect(last, 'everything acknowledged is there').toBeGreaterThanOrEqual(this.acknowledged)
    this.acknowledged = last
  }

  #snapshot(index: number): void {
    expect(index, 'snapshots do not go back').toBeGreaterThanOrEqual(this.snapshotIndex)
    if (index > 0) this.startsFromSnapshot++
    if (index > this.snapshotIndex) this.newSnapshots++
    this.snapshotIndex = index
  }

  async live(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, this.folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(child)
    const acks = below(this.random, ACKS_MAX)
    const delayMs = (below(this.random, 1000) / 1000) * DELAY_MS_MAX
    const exited = once(child, 'close')
    let text = ''
    let isDoomed = false
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (isDoomed || !text.includes('ready') || text.split('ack').length <= acks) return
      isDoomed = true
      setTimeout(() => child.kill('SIGKILL'), delayMs)
    })
    const end = await exited
    children.delete(child)
    expect(end, 'it is killed; it finds nothing that is not as it was left').toEqual([null, 'SIGKILL'])
    this.heard(text)
    this.lives++
  }
}

test('a node that is killed over and over applies everything it acknowledged, in order, once, over its snapshots', async () => {
  const endMs = performance.now() + TIME_MS
  const nodes = Array.from({ length: CHAINS }, (_, number) => new Node(number))
  const live = async (node: Node): Promise<void> => {
    const isEnough = (): boolean =>
      node.lives >= LIVES_MAX / CHAINS || (node.lives >= LIVES_MIN / CHAINS && performance.now() > endMs)
    while (!isEnough()) await node.live()
  }
  try {
    await Promise.all(nodes.map(live))
  } catch (cause) {
    throw new Error(`FENBU_SEED=${SEED} draws the same moments: ${cause}`, { cause })
  }
  const total = (of: (node: Node) => number): number => nodes.reduce((sum, node) => sum + of(node), 0)
  const lives = total((node) => node.lives)
  expect(total((node) => node.acks)).toBeGreaterThan(40 * lives)
  expect(total((node) => node.startsFromSnapshot)).toBeGreaterThan(0.7 * lives)
  expect(total((node) => node.newSnapshots)).toBeGreaterThan(0.4 * lives)
}, 300_000)
