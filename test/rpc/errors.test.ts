import { describe, expect, it } from 'vitest'
import {
  declareOutcome,
  FenbuError,
  type HandlerFailure,
  isFenbuError,
  RemoteError,
} from '../../src/rpc/index.ts'
import { callFrom, gate, MemoryRegistry, serve } from './fixture.ts'

class OutOfStock extends FenbuError {
  readonly details: { readonly left: number }
  constructor(left: number) {
    super('SHOP_OUT_OF_STOCK', 'not-executed', `only ${left} left`)
    this.details = { left }
  }
}

async function failing(methods: Record<string, (...args: never[]) => unknown>) {
  const registry = new MemoryRegistry()
  const failures: HandlerFailure[] = []
  const server = await serve(registry, { onHandlerFailure: (failure) => failures.push(failure) })
  await server.provide('failing', methods)
  return { registry, failures, client: callFrom(registry) }
}

describe('the error of a handler', () => {
  it('crosses with code, message and details if it is a FenbuError, and with the outcome that the handler declares', async () => {
    const { client } = await failing({
      buy: () => {
        throw declareOutcome(new OutOfStock(3), 'not-executed')
      },
    })
    const error = await client.invoke('failing', 'buy').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(RemoteError)
    expect(isFenbuError(error, 'SHOP_OUT_OF_STOCK')).toBe(true)
    expect(error).toMatchObject({ outcome: 'not-executed', message: 'only 3 left', details: { left: 3 } })
  })

  it('stays at the provider if it is any other, under an id that both sides are told', async () => {
    const secret = new Error('password is 1234')
    const { client, failures } = await failing({ leak: async () => Promise.reject(secret) })
    const error = await client.invoke('failing', 'leak').catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'RPC_INTERNAL', outcome: 'unknown' })
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('1234')
    expect(failures).toEqual([{ id: expect.any(String), service: 'failing', method: 'leak', error: secret }])
    expect((error as Error).message).toContain(failures[0]!.id)
  })

  it.each([undefined, null, 'text', 42, { code: 'RPC_DRAINING' }])('may be %o', async (thrown) => {
    const { client, failures } = await failing({ odd: async () => Promise.reject(thrown) })
    await expect(client.invoke('failing', 'odd')).rejects.toMatchObject({ code: 'RPC_INTERNAL' })
    expect(failures[0]!.error).toBe(thrown)
  })

  it('leaves open whether the method ran, unless the handler declares it: the outcome of one step is not its own', async () => {
    const written: string[] = []
    const { client } = await failing({
      // The second step surely did not run; the first did.
      buy: async () => {
        written.push('order')
        throw new FenbuError('COORDINATION_BAD_VERSION', 'not-executed', 'version 3, not 2')
      },
      done: () => {
        throw declareOutcome(new FenbuError('SHOP_DONE', 'unknown', 'done before'), 'executed')
      },
    })
    await expect(client.invoke('failing', 'buy')).rejects.toMatchObject({
      code: 'COORDINATION_BAD_VERSION',
      outcome: 'unknown',
    })
    expect(written).toEqual(['order'])
    await expect(client.invoke('failing', 'done')).rejects.toMatchObject({ outcome: 'executed' })
  })

  it('that another provider declared is not believed of the handler that lets it pass', async () => {
    const { client } = await failing({
      inner: () => {
        throw declareOutcome(new OutOfStock(0), 'not-executed')
      },
      outer: () => client.invoke('failing', 'inner'),
    })
    await expect(client.invoke('failing', 'inner')).rejects.toMatchObject({ outcome: 'not-executed' })
    await expect(client.invoke('failing', 'outer')).rejects.toMatchObject({
      code: 'SHOP_OUT_OF_STOCK',
      outcome: 'unknown',
    })
  })

  it('that came from a call of its own says nothing about what it did before', async () => {
    const { registry, client } = await failing({
      // Nobody provides it, so that this call surely did not run; the handler may have done things before.
      buy: () => client.invoke('nowhere', 'pay'),
    })
    expect(registry).toBeDefined()
    await expect(client.invoke('failing', 'buy')).rejects.toMatchObject({
      code: 'RPC_NO_INSTANCE',
      outcome: 'unknown',
    })
  })

  it('is never asked for again, also where the method is idempotent', async () => {
    let calls = 0
    const { client } = await failing({
      count: () => {
        calls++
        throw new OutOfStock(0)
      },
    })
    await expect(client.invoke('failing', 'count', [], { idempotent: true })).rejects.toThrow('only 0 left')
    expect(calls).toBe(1)
  })

  it('crosses without details that have no form on the wire, and with no more of a message than fits', async () => {
    const { client } = await failing({
      odd: () => {
        throw Object.assign(new FenbuError('SHOP_ODD', 'executed', '键'.repeat(100_000)), {
          details: () => {},
        })
      },
    })
    const error = await client.invoke('failing', 'odd').catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'SHOP_ODD', outcome: 'unknown', details: undefined })
    expect((error as Error).message).toHaveLength(4096)
  })
})

describe('a result', () => {
  it.each([
    ['a function', () => () => {}, 'RPC_VALUE_UNENCODABLE'],
    ['more than a frame holds', () => new Uint8Array(5 * 1024 * 1024), 'RPC_PAYLOAD_TOO_LARGE'],
    [
      'a stream',
      async function* () {
        yield 1
      },
      'RPC_STREAMS_UNSUPPORTED',
    ],
  ])('that is %s is an error of a method that ran', async (_what, method, code) => {
    const { client } = await failing({ odd: method, even: () => 'still there' })
    await expect(client.invoke('failing', 'odd')).rejects.toMatchObject({ code, outcome: 'executed' })
    expect(await client.invoke('failing', 'even')).toBe('still there')
  })

  it('that is nothing arrives as undefined', async () => {
    const { client } = await failing({ nothing: () => {}, later: async () => undefined, none: () => null })
    expect(await client.invoke('failing', 'nothing')).toBe(undefined)
    expect(await client.invoke('failing', 'later')).toBe(undefined)
    expect(await client.invoke('failing', 'none')).toBe(null)
  })

  it('of a method that answers one value cannot be iterated', async () => {
    const { client } = await failing({ one: () => 1, none: () => Promise.reject(new OutOfStock(1)) })
    const iterate = async (method: string): Promise<void> => {
      for await (const item of client.invoke('failing', method)) expect(item).toBe('never')
    }
    await expect(iterate('one')).rejects.toMatchObject({ code: 'RPC_NOT_A_STREAM', outcome: 'executed' })
    await expect(iterate('none')).rejects.toMatchObject({ code: 'SHOP_OUT_OF_STOCK' })
  })
})

describe('arguments', () => {
  it('that have no form on the wire reject the call before anything is sent', async () => {
    const { client } = await failing({ any: () => 'ran' })
    await expect(client.invoke('failing', 'any', [() => {}])).rejects.toMatchObject({
      code: 'RPC_VALUE_UNENCODABLE',
      outcome: 'not-executed',
    })
  })

  it('that are more than the provider takes are refused before they are sent', async () => {
    const registry = new MemoryRegistry()
    const server = await serve(registry, { maxFrameBytes: 10_000 })
    await server.provide('small', { size: (bytes: Uint8Array) => bytes.length })
    const client = callFrom(registry)
    const bytes = new Uint8Array(9_900)
    expect(await client.invoke('small', 'size', [bytes])).toBe(9_900)
    await expect(client.invoke('small', 'size', [new Uint8Array(10_000)])).rejects.toMatchObject({
      code: 'RPC_PAYLOAD_TOO_LARGE',
      outcome: 'not-executed',
    })
    expect(await client.invoke('small', 'size', [bytes])).toBe(9_900)
  })

  it('are what they were when the call was made, also if it waits for a connection', async () => {
    const { client } = await failing({ say: (order: { item: string }) => order.item })
    const order = { item: 'HHKB' }
    const call = client.invoke('failing', 'say', [order])
    order.item = 'changed'
    expect(await call).toBe('HHKB')
  })
})

it('a failure that nobody listens to is at least a warning of the process', async () => {
  const warned = gate<Error>()
  const listen = (warning: Error): void => {
    if (warning.name === 'FenbuHandlerFailure') warned.open(warning)
  }
  process.on('warning', listen)
  try {
    const registry = new MemoryRegistry()
    const server = await serve(registry)
    await server.provide('failing', { leak: async () => Promise.reject(new Error('unheard')) })
    await expect(callFrom(registry).invoke('failing', 'leak')).rejects.toThrow('failing.leak failed')
    expect(await warned.opened).toMatchObject({
      message: expect.stringContaining('failing.leak'),
      detail: expect.stringContaining('unheard'),
    })
  } finally {
    process.off('warning', listen)
  }
})
