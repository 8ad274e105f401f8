import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect } from '../../src/index.ts'
import { openRegistry } from '../../src/registry/index.ts'
import { type FenbuServer, startServer } from '../../src/server/index.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`../host/certificates/${name}`, import.meta.url), 'utf8')
const ca = pem('ca.crt')
const CLIENT = { ca, cert: pem('client.crt'), key: pem('client.key') }
const SERVER = { ca, cert: pem('server.crt'), key: pem('server.key'), requireClientCertificate: true }
const QUIET: ConnectOptions = { registry: { cacheFolder: false }, timeoutMs: 1_500 }

describe('an application at a server that wants client certificates', () => {
  it('works with one: coordination, registry and calls', async () => {
    const { url } = await server()
    const rpc = { provide: { tls: SERVER }, consume: { tls: CLIENT } }
    const app = await connect(url, { ...QUIET, ...rpc, tls: CLIENT })
    onTestFinished(() => app.close())
    await app.coordination.create('/a', Uint8Array.of(7))
    await app.provide('order', { buy: async (item: string) => item })
    expect(await app.invoke('order', 'buy', ['HHKB键盘'])).toBe('HHKB键盘')
    expect(app.status.notes).toEqual([])
  })

  it.each([
    ['without one', { ca }, /closed|certificate/],
    [
      'with one of a stranger',
      { ca, cert: pem('stranger.crt'), key: pem('stranger.key') },
      /closed|certificate/,
    ],
    ['without TLS', undefined, /closed/],
    ['without the authority of the server', { cert: CLIENT.cert, key: CLIENT.key }, /tls\.ca/],
  ])('is refused %s, and told why', async (_what, tls, why) => {
    const { url } = await server()
    const error = await connect(url, { ...QUIET, ...(tls && { tls }) }).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'APP_ENGINE_UNREACHABLE' })
    expect(causesOf(error)).toMatch(why)
  })

  it('opens a registry alone', async () => {
    const { url } = await server()
    const registry = await openRegistry(url, { tls: CLIENT })
    onTestFinished(() => registry.close())
    await registry.ready({ timeoutMs: 5_000 })
    expect(await registry.services()).toEqual([])
  })

  it('needs none for its own embedded server', async () => {
    const app = await connect('embedded:', { ...QUIET, tls: CLIENT })
    await app.close()
  })

  it('hears of options that cannot be before anything is tried', async () => {
    const { url } = await server()
    await expect(connect(url, { tls: { cert: CLIENT.cert } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })
})

async function server(): Promise<FenbuServer> {
  const running = await startServer({ temporary: true, port: 0, tls: SERVER, drainTimeoutMs: 100 })
  onTestFinished(() => running.close())
  return running
}

function causesOf(error: unknown): string {
  const messages: string[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) messages.push(cause.message)
  return messages.join(' because ')
}
