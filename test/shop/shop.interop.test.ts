import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RealZooKeeper, startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { type Engine, keepsAnswering } from './keeps-answering.ts'
import { audit, lastLine, runShop, shopFolder } from './shop-process.ts'

describe('the shop on a real ZooKeeper', () => {
  let zooKeeper: RealZooKeeper
  let folder: Awaited<ReturnType<typeof shopFolder>>

  beforeAll(async () => {
    zooKeeper = await startRealZooKeeper()
    folder = await shopFolder()
  }, 60_000)

  afterAll(async () => {
    await zooKeeper.stop()
    await folder.remove()
  })

  test('sells while its providers are killed, and its books are right', async () => {
    const engines = ['--engines', zooKeeper.url]
    const ended = await runShop(folder.path, ...engines, '--orders', '60', '--exit', '--seed', '11').ended
    expect(ended.code, ended.stdout).toBe(0)
    expect(lastLine(ended)).toMatchObject({ orders: 60, accepted: 60 })
    expect(lastLine(ended).engines).toEqual({ coordination: expect.stringMatching(/^ZooKeeper 3\.8\.0/) })

    const { code, stdout, stderr } = await audit(folder.path)
    expect(JSON.parse(stdout), stderr).toEqual({
      accepted: 60,
      stored: 60,
      missing: 0,
      duplicates: 0,
      soldPlusLeftMinusInitial: 0,
    })
    expect(code).toBe(0)
  }, 120_000)

  test('keeps the books of each run apart', async () => {
    const engines = ['--engines', zooKeeper.url]
    const second = runShop(folder.path, ...engines, '--run', 'second')
    await second.printed(/Ctrl-C/)
    await second.interrupt()
    expect(JSON.parse((await audit(folder.path, '--run', 'second')).stdout)).toMatchObject({
      accepted: 3,
      stored: 3,
    })
  }, 60_000)
})

describe('the shop on a real ZooKeeper keeps answering', { timeout: 60_000 }, () => {
  keepsAnswering(openZooKeeper, 60_000)
})

async function openZooKeeper(): Promise<Engine> {
  const zooKeeper = await startRealZooKeeper()
  return {
    url: `${zooKeeper.url}/shop`,
    kill: () => zooKeeper.kill(),
    start: () => zooKeeper.start(),
    stop: () => zooKeeper.stop(),
  }
}
