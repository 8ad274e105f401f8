import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audit, type Ended, isAlive, lastLine, printedPids, runShop, shopFolder } from './shop-process.ts'

const ORDERS = 60
const SEED = 11

describe('orders placed while their providers are killed', () => {
  let folder: Awaited<ReturnType<typeof shopFolder>>
  let ended: Ended

  beforeAll(async () => {
    folder = await shopFolder()
    ended = await runShop(folder.path, '--orders', `${ORDERS}`, '--exit', '--seed', `${SEED}`).ended
  }, 60_000)

  afterAll(() => folder.remove())

  test('are all accepted, and the last line says so in JSON', () => {
    expect(ended.code, ended.stdout).toBe(0)
    const summary = lastLine(ended)
    expect(summary).toMatchObject({ orders: ORDERS, accepted: ORDERS, soldOut: 0, failed: 0, seed: SEED })
    expect(summary.p50Ms).toBeGreaterThan(0)
    expect(summary.p99Ms).toBeGreaterThanOrEqual(summary.p50Ms)
    const byInstance = Object.values(summary.byInstance)
    expect(byInstance.reduce((sum, count) => sum + count, 0)).toBe(ORDERS)
    expect(byInstance.length).toBeGreaterThan(2)
    expect(summary.engines).toEqual({ coordination: expect.stringMatching(/\d+\.\d+/) })
  })

  test('survive kills from outside and between the durable write and the reply', () => {
    const killed = lastLine(ended).killed
    expect(killed.length).toBeGreaterThanOrEqual(3)
    for (const pid of killed)
      expect(ended.stdout).toMatch(new RegExp(`order-\\d \\(pid ${pid}\\) (was killed|killed itself)`))
    expect(ended.stdout).toContain('was killed with kill -9')
    expect(ended.stdout).toMatch(/order load-\S+ is settled and nobody was told/)
    expect(lastLine(ended).retried).toBeGreaterThan(0)
  })

  test('are in the books once each, as a recount by a fresh process shows', async () => {
    const { code, stdout, stderr } = await audit(folder.path)
    expect(JSON.parse(stdout), stderr).toEqual({
      accepted: ORDERS,
      stored: ORDERS,
      missing: 0,
      duplicates: 0,
      soldPlusLeftMinusInitial: 0,
    })
    expect(code).toBe(0)
  })

  test('leave no process behind', () => {
    const pids = printedPids(ended.stdout)
    expect(pids.length).toBeGreaterThan(6)
    expect(pids.filter(isAlive)).toEqual([])
  })
})
