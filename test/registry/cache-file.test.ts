import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { CacheFile } from '../../src/registry/cache-file.ts'
import { type Instance, pick } from '../../src/registry/core/index.ts'

const OWNER = { registry: 'fenbu://localhost:7430 fenbu', app: 'shop' }
const SERVICES_MAX = 256

it('keeps no empty list, whatever names were asked for, and starts on none', async () => {
  const folder = await temporaryFolder()
  const cache = await open(folder)
  for (let at = 0; at < 100; at++) cache.put(`asked-${at}`, [])
  cache.put('order', [instance('order')])
  await cache.close()
  expect(await servicesIn(cache)).toEqual(['order'])
  const later = await open(folder)
  expect(later.filled).toBe(true)
  expect(later.get('asked-1')).toBeUndefined()
})

it('forgets a service that nobody provides any more', async () => {
  const folder = await temporaryFolder()
  const first = await open(folder)
  first.put('order', [instance('order')])
  await first.close()
  const second = await open(folder)
  expect(second.get('order')).toHaveLength(1)
  second.put('order', [])
  expect(second.get('order')).toBeUndefined()
  await second.close()
  expect(await servicesIn(second)).toEqual([])
  expect((await open(folder)).filled).toBe(false)
})

it('holds a bounded number of services, those that changed last', async () => {
  const folder = await temporaryFolder()
  const first = await open(folder)
  first.put('old', [instance('old')])
  await first.close()
  const second = await open(folder)
  for (let at = 0; at < SERVICES_MAX; at++) second.put(`service-${at}`, [instance(`service-${at}`)])
  second.put('service-0', [instance('service-0')])
  second.put('newest', [instance('newest')])
  await second.close()
  const services = await servicesIn(second)
  expect(services).toHaveLength(SERVICES_MAX)
  expect(services).toEqual(expect.arrayContaining(['newest', 'service-0']))
  expect(services).not.toEqual(expect.arrayContaining(['old']))
  expect(services).not.toEqual(expect.arrayContaining(['service-1']))
})

async function open(folder: string): Promise<CacheFile> {
  return await CacheFile.open(folder, OWNER, (error) => {
    if (error) throw error
  })
}

async function servicesIn(cache: CacheFile): Promise<readonly string[]> {
  const file = JSON.parse(await readFile(cache.path, 'utf8')) as { readonly services: object }
  return Object.keys(file.services)
}

function instance(service: string): Instance {
  return pick({
    id: 'a',
    service,
    host: '127.0.0.1',
    port: 7001,
    version: '1.0.0',
    group: 'default',
    weight: 100,
    zone: '',
    state: 'up',
    registeredMs: 0,
    metadata: {},
  })
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-cache-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
