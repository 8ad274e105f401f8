import { afterEach, describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { type CoordinationClient, connect } from '../../src/coordination/client/index.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

const SEED = Number(process.env['FENBU_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const ROUNDS = Number(process.env['FENBU_ROUNDS'] ?? 8)
const WRITERS = 4
const IN_FLIGHT = 16
const EMPTY = new Uint8Array(0)

let server: ServerProcess | undefined
const clients: CoordinationClient[] = []

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server?.stop()
  server = undefined
})

describe(`a coordination server that is killed (FENBU_SEED=${SEED}, FENBU_ROUNDS=${ROUNDS})`, () => {
  it('has everything that it acknowledged, once, in order, and nothing that nobody asked for', async () => {
    const random = randomFrom(SEED)
    server = await startServerProcess()
    const writers = Array.from({ length: WRITERS }, (_, name) => new Writer(server!.port, name))
    for (const writer of writers) {
      clients.push(writer.client)
      await writer.prepare()
    }
    for (let round = 0; round < ROUNDS; round++) {
      const stop = new AbortController()
      const working = writers.map((writer) => writer.work(stop.signal))
      await passed(30 + random(300))
      await server.kill()
      stop.abort()
      await Promise.all(working)
      await server.start()
      for (const writer of writers) await writer.audit(`seed ${SEED}, round ${round}`)
    }
    const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.size, 0)
    expect(acknowledged, 'the load was real').toBeGreaterThan(ROUNDS * 20)
    for (const { client } of writers) expect(client.session?.count, 'sessions outlive their server').toBe(1)
  }, 90_000)
})

/** Creates numbered nodes and counts a version up, and knows what it was told. */
class Writer {
  readonly client: CoordinationClient
  readonly #folder: string
  readonly acknowledged = new Set<string>()
  readonly #asked = new Set<string>()
  #next = 0
  #versionAcknowledged = 0

  constructor(port: number, name: number) {
    this.client = connect(`fenbu://127.0.0.1:${port}`, { sessionTimeoutMs: 30_000, callTimeoutMs: 20_000 })
    this.#folder = `/writer-${name}`
  }

  async prepare(): Promise<void> {
    await this.client.create(this.#folder, EMPTY)
    await this.client.create(`${this.#folder}-alive`, EMPTY, { mode: 'ephemeral' })
  }

  async work(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#createUntil(signal)))
  }

  async #createUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const name = `n${this.#next++}`
      this.#asked.add(name)
      const path = `${this.#folder}/${name}`
      try {
        const [, stat] = await Promise.all([
          this.client.create(path, new TextEncoder().encode(name)),
          this.client.set(this.#folder, EMPTY),
        ])
        this.acknowledged.add(name)
        this.#versionAcknowledged = Math.max(this.#versionAcknowledged, stat.version)
      } catch (error) {
        if (!isFenbuError(error, 'COORDINATION_CONNECTION_LOSS')) throw error
        return
      }
    }
  }

  async audit(when: string): Promise<void> {
    const { children, stat } = await this.client.children(this.#folder)
    const stored = new Set(children)
    expect(stored.size, `${when}: no name twice`).toBe(children.length)
    const missing = [...this.acknowledged].filter((name) => !stored.has(name))
    expect(missing, `${when}: acknowledged and gone`).toEqual([])
    const foreign = children.filter((name) => !this.#asked.has(name))
    expect(foreign, `${when}: never asked for`).toEqual([])
    expect(stat.version, `${when}: versions do not go back`).toBeGreaterThanOrEqual(this.#versionAcknowledged)
    expect(await this.client.exists(`${this.#folder}-alive`), `${when}: the ephemeral node`).toBeDefined()
    const last = [...this.acknowledged].at(-1)
    if (last === undefined) return
    const { data } = await this.client.get(`${this.#folder}/${last}`)
    expect(new TextDecoder().decode(data), when).toBe(last)
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
