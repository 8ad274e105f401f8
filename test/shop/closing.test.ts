import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { audit, isAlive, printedPids, runShop, shopFolder } from './shop-process.ts'

describe('closing the shop', { timeout: 60_000 }, () => {
  let folder: Awaited<ReturnType<typeof shopFolder>>

  beforeEach(async () => {
    folder = await shopFolder()
  })

  afterEach(() => folder.remove())

  test('Ctrl-C drains the gateway first and the server last, and leaves nothing running', async () => {
    const shop = runShop(folder.path)
    await shop.printed(/Ctrl-C/)
    const { code, stdout } = await shop.interrupt()
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /gateway drained[\s\S]*order-1, order-2 drained[\s\S]*stock-1, stock-2 drained[\s\S]*server drained/,
    )
    expect(printedPids(stdout).filter(isAlive)).toEqual([])
  })

  test('Ctrl-C while it opens closes what is open already', async () => {
    const shop = runShop(folder.path)
    await shop.printed(/server +pid/)
    const { code, stdout } = await shop.interrupt()
    expect(code).toBe(130)
    expect(stdout).toContain('server drained')
    expect(stdout).not.toContain('curl')
    expect(printedPids(stdout).filter(isAlive)).toEqual([])
  })

  test('when the supervisor is killed its processes end, and the run opens again with all its orders', async () => {
    const first = runShop(folder.path, '--run', 'twice')
    await first.printed(/Ctrl-C/)
    const pids = printedPids(first.stdout)
    await first.kill()
    await expect.poll(() => pids.filter(isAlive), { interval: 20, timeout: 10_000 }).toEqual([])

    const second = runShop(folder.path, '--run', 'twice')
    await second.printed(/Ctrl-C/)
    await second.interrupt()
    const { code, stdout } = await audit(folder.path)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 6, stored: 6, missing: 0 })
  })

  test('a wrong command line is refused with the help', async () => {
    const { code, stderr } = await runShop(folder.path, '--orders', 'many').ended
    expect(code).toBe(2)
    expect(stderr).toContain('--orders is "many"; allowed: a whole number from 1 to 1000000')
    expect(stderr).toContain('npm start -- --orders 200 --exit')
    const wrong = await runShop(folder.path, '--engines', 'redis://localhost').ended
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('allowed: zookeeper://')])
  })

  test('--help explains every option', async () => {
    const { code, stdout } = await runShop(folder.path, '--help').ended
    expect(code).toBe(0)
    for (const option of ['engines', 'port', 'orders', 'exit', 'concurrency', 'seed', 'stock', 'run'])
      expect(stdout).toMatch(new RegExp(`^  --${option} .{20,}`, 'm'))
  })

  test('a gateway whose port is taken chooses a free one and says so', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const shop = runShop(folder.path, '--port', `${port}`)
    const [, url] = await shop.printed(/curl -s -X POST (http:\S+)\/orders/)
    expect(shop.stdout).toContain(`port ${port} is taken by another program`)
    expect((await fetch(`${url}/health`)).status).toBe(200)
    await shop.interrupt()
    await new Promise((resolve) => other.close(resolve))
  })

  test('a coordinator that does not answer is named, with the way out', async () => {
    const { code, stdout } = await runShop(folder.path, '--engines', 'zookeeper://127.0.0.1:1').ended
    expect(code).toBe(1)
    expect(stdout).toMatch(/no coordinator answers at zookeeper:\/\/127\.0\.0\.1:1[\s\S]*--engines/)
  })
})
