import { describe, expect, it } from 'vitest'
import type { InstanceDescription, WaitOptions } from '../../src/registry/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

class Stock {
  readonly kind: string
  constructor(kind = 'stock') {
    this.kind = kind
  }
  reserve(): string {
    return this.kind
  }
  audit(): string {
    return 'not for everyone'
  }
}

describe('what is provided', () => {
  it('is the functions of a plain object', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const prefix = {
      greeting: 'hello ',
      greet(name: string) {
        return this.greeting + name
      },
    }
    await server.provide('plain', prefix)
    const client = callFrom(registry)
    expect(await client.invoke('plain', 'greet', ['you'])).toBe('hello you')
    await expect(client.invoke('plain', 'greeting')).rejects.toMatchObject({ code: 'RPC_NO_SUCH_METHOD' })
  })

  it('is what an instance of a class lists, and a method keeps its instance', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('stock', new Stock(), { methods: ['reserve'] })
    const client = callFrom(registry)
    expect(await client.invoke('stock', 'reserve')).toBe('stock')
    await expect(client.invoke('stock', 'audit')).rejects.toMatchObject({ code: 'RPC_NO_SUCH_METHOD' })
  })

  it.each([
    ['an instance that lists nothing', () => new Stock(), {}, 'list its remote methods'],
    [
      'a list with a name that is no method',
      () => new Stock(),
      { methods: ['kind'] },
      '"kind" is not a method',
    ],
    [
      'a list with a name of every object',
      () => new Stock(),
      { methods: ['toString'] },
      'cannot be called toString',
    ],
    [
      'a list with the constructor',
      () => new Stock(),
      { methods: ['constructor'] },
      'cannot be called constructor',
    ],
    ['a method that proxies keep to themselves', () => ({ catch: () => 1 }), {}, 'cannot be called catch'],
    ['nothing callable', () => ({ a: 1 }), {}, 'has no method'],
    ['no object', () => 'text', {}, 'not an object'],
    ['idempotent names that are no methods', () => ({ a: () => 1 }), { idempotent: ['b'] }, '"b"'],
  ])('cannot be %s', async (_what, implementation, options, message) => {
    const server = await serve(undefined)
    await expect(server.provide('wrong', implementation() as Stock, options as object)).rejects.toMatchObject(
      {
        code: 'RPC_METHODS_INVALID',
        message: expect.stringContaining(message),
      },
    )
  })

  it.each([
    [{ version: 'latest' }, 'OPTION_INVALID'],
    [{ group: '' }, 'OPTION_INVALID'],
    [{ verison: '1.0.0' }, 'OPTION_UNKNOWN'],
  ])('is checked for wrong options such as %o', async (options, code) => {
    const server = await serve(undefined)
    await expect(server.provide('s', { a: () => 1 }, options as object)).rejects.toMatchObject({ code })
  })

  it('may be several versions and groups of one service in one process', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const provide = (version: string, group: string) =>
      server.provide('s', { which: () => `${version} ${group}` }, { version, group })
    await provide('1.0.0', 'default')
    await provide('1.4.0', 'default')
    await provide('2.0.0', 'default')
    await provide('2.0.0', 'blue')
    const client = callFrom(registry)
    const which = (version: string, group = 'default') => client.invoke('s', 'which', [], { version, group })
    expect(await which('1.0.0')).toBe('1.0.0 default')
    expect(await which('^1.1')).toBe('1.4.0 default')
    expect(await which('2.x')).toBe('2.0.0 default')
    expect(await which('*', 'blue')).toBe('2.0.0 blue')
    await expect(which('^3')).rejects.toMatchObject({
      code: 'RPC_NO_INSTANCE',
      outcome: 'not-executed',
      message: expect.stringContaining('1.4.0 in group default'),
    })
    await expect(which('*', 'green')).rejects.toMatchObject({ code: 'RPC_NO_INSTANCE' })
    await expect(provide('2.0.0', 'blue')).rejects.toMatchObject({ code: 'RPC_ALREADY_PROVIDED' })
  })

  it('is gone once it was withdrawn, and may be provided again', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    const provision = await server.provide('s', { a: () => 1 })
    const client = callFrom(registry)
    expect(await client.invoke('s', 'a')).toBe(1)
    await provision.withdraw()
    await provision.withdraw()
    await expect(client.invoke('s', 'a')).rejects.toMatchObject({ code: 'RPC_NO_INSTANCE' })
    await server.provide('s', { a: () => 2 })
    expect(await client.invoke('s', 'a')).toBe(2)
  })

  it('that a stale list still names is refused before anything runs', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(undefined)
    await server.provide('s', { a: () => 1 }, { version: '1.0.0' })
    registry.list('s', server.address, { version: '2.0.0' })
    registry.list('gone', server.address)
    const client = callFrom(registry)
    for (const service of ['s', 'gone'])
      await expect(client.invoke(service, 'a')).rejects.toMatchObject({
        code: 'RPC_NO_SUCH_SERVICE',
        outcome: 'not-executed',
      })
  })

  it('is not callable if the registry refuses it', async () => {
    const registry = new MemoryRegistry()
    registry.register = async () => Promise.reject(new Error('registry says no'))
    const server = await serve(registry)
    await expect(server.provide('s', { a: () => 1 })).rejects.toThrow('registry says no')
    registry.list('s', server.address)
    await expect(callFrom(registry).invoke('s', 'a')).rejects.toMatchObject({ code: 'RPC_NO_SUCH_SERVICE' })
  })
})

describe('while the registry does not answer', () => {
  /** A registry whose answers the test gives, and which keeps to the signal of whoever waits. */
  function slowRegistry() {
    const registry = new MemoryRegistry()
    const register = registry.register.bind(registry)
    const answer = gate()
    const waits: WaitOptions[] = []
    registry.register = async (description: InstanceDescription, wait: WaitOptions = {}) => {
      waits.push(wait)
      const aborted = new Promise<never>((_, reject) => {
        wait.signal?.addEventListener('abort', () => reject(wait.signal?.reason))
      })
      await Promise.race([answer.opened, aborted])
      return await register(description)
    }
    return { registry, answer, waits }
  }

  it('providing waits no longer than it was told, by default 10 s', async () => {
    const { registry, answer, waits } = slowRegistry()
    const server = await serve(registry)
    const provisions = [
      server.provide('s', { a: () => 1 }),
      server.provide('t', { a: () => 1 }, { timeoutMs: 50 }),
    ]
    answer.open()
    await Promise.all(provisions)
    expect(waits).toMatchObject([{ timeoutMs: 10_000 }, { timeoutMs: 50 }])
    for (const timeoutMs of [0, 2 ** 31, 1.5])
      await expect(server.provide('u', { a: () => 1 }, { timeoutMs })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
  })

  it('who gives up providing leaves nothing behind', async () => {
    const { registry, answer } = slowRegistry()
    const server = await serve(registry)
    const controller = new AbortController()
    const provision = server.provide('s', { a: () => 1 }, { signal: controller.signal })
    controller.abort(new Error('never mind'))
    await expect(provision).rejects.toThrow('never mind')
    answer.open()
    await server.provide('s', { a: () => 2 })
    expect(await callFrom(registry).invoke('s', 'a')).toBe(2)
  })

  it('a server that closes gives up providing', async () => {
    const { registry } = slowRegistry()
    const server = await serve(registry)
    const refused = expect(server.provide('s', { a: () => 1 })).rejects.toMatchObject({ code: 'RPC_CLOSED' })
    await server.close()
    await refused
    expect(registry.watch('s').current?.instances).toEqual([])
  })

  it('a server that closes takes back what is confirmed in that moment', async () => {
    const { registry, answer } = slowRegistry()
    const register = registry.register.bind(registry)
    // Too late to be given up.
    registry.register = (description) => register(description)
    const server = await serve(registry)
    const refused = expect(server.provide('s', { a: () => 1 })).rejects.toMatchObject({ code: 'RPC_CLOSED' })
    const closed = server.close()
    answer.open()
    await refused
    await closed
    expect(registry.watch('s').current?.instances).toEqual([])
  })
})

describe('a server', () => {
  it('says what is wrong with its options', async () => {
    await expect(serve(undefined, { port: 70_000 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(serve(undefined, { maxInflight: 1 } as object)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
    })
    await expect(serve(undefined, { maxFrameBytes: 1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('says that its port is taken', async () => {
    const { address } = await serve(undefined)
    await expect(serve(undefined, { port: address.port })).rejects.toMatchObject({
      code: 'HOST_ADDRESS_IN_USE',
    })
  })

  it('does not listen beyond this machine by accident', async () => {
    await expect(serve(undefined, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'HOST_EXPOSED' })
  })

  it('that listens everywhere must say what consumers shall call', async () => {
    const registry = new MemoryRegistry()
    for (const host of ['0.0.0.0', '::', '0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])
      await expect(serve(registry, { host, insecure: true })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('advertiseHost'),
      })
    const named = await serve(registry, { host: '0.0.0.0', insecure: true, advertiseHost: '127.0.0.1' })
    await named.provide('s', { a: () => 1 })
    expect(await callFrom(registry).invoke('s', 'a')).toBe(1)
  })

  it('provides nothing more once it was closed', async () => {
    const server = await serve(undefined)
    await server.close()
    await server.close()
    await expect(server.provide('s', { a: () => 1 })).rejects.toMatchObject({ code: 'RPC_CLOSED' })
  })
})
