import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/coordination/client/index.ts'
import { type FenbuServer, type ServerOptions, startEmbedded, startServer } from '../../src/server/index.ts'

describe('a fenbu server', () => {
  it('keeps its identity and what it was told over restarts', async () => {
    const data = await temporaryFolder()
    const first = await start({ data })
    await withClient(first.url, (client) => client.create('/kept', Uint8Array.of(7)))
    await first.close()
    await first.close()
    const second = await start({ data })
    expect(second.identity).toEqual(first.identity)
    expect(await withClient(second.url, (client) => client.get('/kept'))).toMatchObject({
      data: Uint8Array.of(7),
    })
  })

  it('removes a temporary folder when it ends', async () => {
    const server = await start({ temporary: true })
    expect(existsSync(server.data)).toBe(true)
    await server.close()
    expect(existsSync(server.data)).toBe(false)
  })

  it('shares its folder with nobody, and gives it back', async () => {
    const data = await temporaryFolder()
    const first = await start({ data })
    await expect(startServer({ data, port: 0 })).rejects.toMatchObject({ code: 'SERVER_DATA_IN_USE' })
    await expect(startEmbedded({ data, port: 0 })).rejects.toMatchObject({
      code: 'SERVER_DATA_IN_USE',
      outcome: 'not-executed',
      message: expect.stringContaining(data),
    })
    await first.close()
    await start({ data })
  })

  it('touches nothing in a folder that is not its own', async () => {
    const data = await temporaryFolder()
    await writeFile(join(data, 'thesis.doc'), 'x')
    await expect(startServer({ data, port: 0 })).rejects.toMatchObject({ code: 'SERVER_DATA_FOREIGN' })
    await mkdir(join(data, 'empty'))
    expect(await readdir(data)).toEqual(['empty', 'thesis.doc'])
  })

  it('says that its port is taken, and leaves the folder to the next', async () => {
    const data = await temporaryFolder()
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void blocker.close())
    const { port } = blocker.address() as { port: number }
    await expect(startServer({ data, port })).rejects.toMatchObject({ code: 'HOST_ADDRESS_IN_USE' })
    await start({ data })
  })

  it('does not listen beyond this machine unless it is told to', async () => {
    const data = await temporaryFolder()
    await expect(startServer({ data, port: 0, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'HOST_EXPOSED',
    })
    const open = await start({ data, host: '0.0.0.0', insecure: true })
    await withClient(`fenbu://127.0.0.1:${open.port}`, (client) => client.exists('/'))
  })

  it('turns away a connection whose protocol it does not speak', async () => {
    const server = await start({ temporary: true })
    const socket = connectTcp(server.port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
    )
    await new Promise<void>((resolve, reject) => {
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
      socket.on('data', (chunk) => reject(new Error(`it answered ${chunk.toString()}`)))
    })
    await withClient(server.url, (client) => client.exists('/'))
  })

  it.each<[string, object]>([
    ['an option that does not exist', { prot: 1 }],
    ['a port that cannot be', { port: 70_000 }],
    ['a folder together with temporary', { data: 'x', temporary: true }],
    ['a limit of the coordinator that cannot be', { temporary: true, port: 0, coordination: { tickMs: -1 } }],
  ])('refuses %s', async (_title, options) => {
    await expect(startServer(options)).rejects.toMatchObject({ code: expect.stringMatching(/^OPTION_/) })
  })
})

async function start(options: ServerOptions): Promise<FenbuServer> {
  const server = await startServer({ port: 0, drainTimeoutMs: 100, ...options })
  onTestFinished(() => server.close())
  return server
}

async function withClient<Result>(
  url: string,
  use: (client: ReturnType<typeof connect>) => Promise<Result>,
): Promise<Result> {
  const client = connect(url)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-server-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
