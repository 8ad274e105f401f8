import { describe, expect, it } from 'vitest'
import { openRegistry } from '../../src/registry/index.ts'

describe('the registry of fixed addresses', () => {
  it('lists what the URL says', async () => {
    const registry = await openRegistry(
      'static:order=127.0.0.1:7002;order@2.1.0=127.0.0.1:7001;%E9%94%AE%E7%9B%98=[::1]:7003',
    )
    expect(await registry.services()).toEqual(['order', '键盘'])
    const list = await registry.watch('order').ready()
    expect(list).toMatchObject({ service: 'order', revision: 1, source: 'live' })
    expect(list.instances.map(({ host, port, version }) => `${host} ${port} ${version}`)).toEqual([
      '127.0.0.1 7001 2.1.0',
      '127.0.0.1 7002 1.0.0',
    ])
    expect((await registry.watch('键盘').ready()).instances).toMatchObject([
      { host: '::1', port: 7003, state: 'up' },
    ])
    expect((await registry.watch('stock').ready()).instances).toEqual([])
    await registry.close()
  })

  it('lets providers register, and tells nobody', async () => {
    const registry = await openRegistry('static:order=127.0.0.1:7001')
    const registration = await registry.register({ service: 'order', host: '127.0.0.1', port: 7009 })
    await registration.update({ weight: 3, state: 'draining' })
    expect(registration.instance).toMatchObject({ port: 7009, weight: 3, state: 'draining' })
    expect((await registry.watch('order').ready()).instances).toMatchObject([{ port: 7001 }])
    await registration.deregister()
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ code: 'REGISTRY_DEREGISTERED' })
    await registry.close()
  })

  it('is always connected, until it is closed', async () => {
    const registry = await openRegistry('static:order=127.0.0.1:7001')
    await registry.ready()
    expect(registry.status()).toMatchObject({
      state: 'connected',
      cache: 'off',
      url: 'static:order=127.0.0.1:7001',
    })
    const watch = registry.watch('order')
    await registry.close()
    await registry.close()
    await expect(watch.ready()).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
    expect(() => registry.watch('order')).toThrow(expect.objectContaining({ code: 'REGISTRY_CLOSED' }))
  })

  it('refuses options that do not exist and names that cannot be', async () => {
    await expect(openRegistry('static:', { chacheFolder: 'x' } as never)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
    })
    const registry = await openRegistry('static:')
    expect(() => registry.watch('')).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
