import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { callFrom, MemoryRegistry, serve } from './fixture.ts'

interface Echo {
  echo(text: string): Promise<string>
}

async function proxied() {
  const registry = new MemoryRegistry()
  const server = await serve(registry)
  const calls: string[] = []
  await server.provide('echo', {
    echo: (text: string) => {
      calls.push(text)
      return text
    },
  })
  const client = callFrom(registry)
  return { calls, client, echo: client.service<Echo>('echo') }
}

describe('a proxy', () => {
  it('is made without I/O, can be awaited, printed, compared and turned into JSON, and calls nobody meanwhile', async () => {
    const { calls, client, echo } = await proxied()
    expect(await echo).toBe(echo)
    expect(inspect(echo)).toBe('{}')
    expect(JSON.stringify({ echo })).toBe('{"echo":{}}')
    expect(String(echo)).toBe('[object Object]')
    expect(Object.keys(echo)).toEqual([])
    expect([...Object.getOwnPropertySymbols(echo)]).toEqual([])
    const loose = echo as unknown as Record<string | symbol, unknown>
    for (const name of ['then', 'catch', 'finally', 'toJSON', Symbol.iterator, Symbol.asyncIterator])
      expect(loose[name]).toBe(undefined)
    expect(calls).toEqual([])
    expect(client.status).toMatchObject([{ state: 'idle' }])
  })

  it('keeps its methods, so that they can be taken out and compared', async () => {
    const { echo } = await proxied()
    const { echo: say } = echo
    expect(echo.echo).toBe(say)
    expect(await say('alone')).toBe('alone')
  })

  it('sends a call when it is made, not when it is awaited', async () => {
    const { calls, echo } = await proxied()
    const first = echo.echo('first')
    expect(await echo.echo('second')).toBe('second')
    expect(calls).toEqual(['first', 'second'])
    expect(await first).toBe('first')
  })

  it('returns promises of the language itself', async () => {
    const { echo } = await proxied()
    const call = echo.echo('x')
    expect(call).toBeInstanceOf(Promise)
    expect(await Promise.all([call, call.then((text) => text + 1), call.finally(() => {})])).toEqual([
      'x',
      'x1',
      'x',
    ])
  })

  it('with other options leaves the first as it was', async () => {
    const { echo } = await proxied()
    const impatient = echo.with({ signal: AbortSignal.abort('no') })
    await expect(impatient.echo('x')).rejects.toBe('no')
    expect(await echo.echo('x')).toBe('x')
    await expect(impatient.with({ timeoutMs: 5 }).echo('x')).rejects.toBe('no')
  })

  it('cannot be written to', async () => {
    const { echo } = await proxied()
    expect(() => Object.assign(echo, { other: () => 1 })).toThrow(
      expect.objectContaining({ code: 'RPC_NOT_REMOTE' }),
    )
  })

  it('of a service that nobody provides says so in its calls', async () => {
    const client = callFrom(new MemoryRegistry())
    await expect(client.service<Echo>('nobody').echo('x')).rejects.toMatchObject({
      code: 'RPC_NO_INSTANCE',
      message: expect.stringContaining('none is listed'),
    })
  })

  it.each([
    [{ version: '>1' }, 'OPTION_INVALID'],
    [{ retries: 11 }, 'OPTION_INVALID'],
    [{ loadBalance: 'fastest' }, 'OPTION_INVALID'],
    [{ timeout: 5 }, 'OPTION_UNKNOWN'],
    [{ metadata: { '': 'x' } }, 'RPC_METADATA_INVALID'],
  ])('is checked for wrong options such as %o', (options, code) => {
    const client = callFrom(new MemoryRegistry())
    expect(() => client.service('s', options as object)).toThrow(expect.objectContaining({ code }))
  })

  it('is checked for wrong call options', async () => {
    const { echo, client } = await proxied()
    expect(() => echo.with({ signal: 'no' as unknown as AbortSignal })).toThrow('AbortSignal')
    expect(() => echo.with({ timeout: 5 } as object)).toThrow('there is no option "timeout"')
    expect(() => client.invoke('echo', '')).toThrow('method')
    expect(() => client.invoke('echo', 'echo', 'x' as unknown as [])).toThrow('an array of arguments')
    expect(() => client.service('')).toThrow('1 to 80 characters')
  })

  it('of a closed client says so', async () => {
    const { client, echo } = await proxied()
    await echo.echo('x')
    await client.close()
    await client.close()
    await expect(echo.echo('x')).rejects.toMatchObject({ code: 'RPC_CLOSED', outcome: 'not-executed' })
    expect(() => client.service('s')).toThrow(expect.objectContaining({ code: 'RPC_CLOSED' }))
  })
})

describe('a client', () => {
  it('uses one connection for an address, whatever is called there', async () => {
    const { client, echo } = await proxied()
    await Promise.all([
      echo.echo('a'),
      client.invoke('echo', 'echo', ['b']),
      client.service<Echo>('echo', { version: '^1' }).echo('c'),
    ])
    expect(client.status).toMatchObject([{ state: 'connected', suspected: false }])
  })

  it('speaks JSON where it is asked to', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('echo', { echo: (value: unknown) => value })
    const client = callFrom(registry, { codec: 'json' })
    expect(await client.invoke('echo', 'echo', [{ at: new Date(0) }])).toEqual({
      at: '1970-01-01T00:00:00.000Z',
    })
    await expect(client.invoke('echo', 'echo', [1n])).rejects.toMatchObject({ code: 'RPC_VALUE_UNENCODABLE' })
  })

  it('says what is wrong with its options', () => {
    const registry = new MemoryRegistry()
    expect(() => callFrom(registry, { timeoutMs: 0 })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
    expect(() => callFrom(registry, { codec: 'xml' as 'json' })).toThrow('messagepack, json')
    expect(() => callFrom(undefined as unknown as MemoryRegistry)).toThrow('a registry')
    expect(() => callFrom(registry, { onJourney: 1 as never })).toThrow('a function')
  })
})
