import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { displayWidth, formatTable } from '../../src/cli/table.ts'
import { type App, connect } from '../../src/index.ts'
import { createRpcServer } from '../../src/rpc/index.ts'
import { startServer, type TestServer } from '../../src/testing/index.ts'

const EXIT = { OK: 0, FAILED: 1, USAGE: 2 }

describe('fenbu', () => {
  it('explains itself with examples', async () => {
    const help = await fenbu('--help')
    expect(help.exitCode).toBe(EXIT.OK)
    for (const verb of ['server', 'call', 'services']) expect(help.stdout).toContain(`\n  ${verb} `)
    expect(help.stdout).toContain('Examples:')
    expect((await fenbu('call', '--help')).stdout).toContain(`fenbu call order buy '"HHKB键盘"'`)
    expect((await fenbu('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each<[string[], string]>([
    [[], 'Usage: fenbu'],
    [['sever'], 'Did you mean server?'],
    [['server', '--prot', '1'], 'Did you mean --port?'],
    [['server', '--port', 'abc'], 'whole number from 0 to 65535'],
    [['services'], '--registry'],
    [['services', '--registry', 'static:', '--tls-ca', '/nowhere'], '--tls-ca /nowhere cannot be read'],
    [['server', '--tls-cert', 'package.json'], '--tls-cert and --tls-key go together'],
    [['server', '--tls-ca', 'package.json'], 'needs --tls-cert and --tls-key'],
    [['call', 'order', '--registry', 'static:'], "missing required argument 'method'"],
    [['call', 'order', 'buy', 'HHKB', '--registry', 'static:'], `write '"HHKB"'`],
    [['services', '--registry', 'redis://cache'], 'ENGINE_NOT_AVAILABLE'],
    [['services', '--registry', 'localhost'], 'write for example fenbu://localhost'],
    [['services', '--registry', 'static:order'], 'REGISTRY_URL_INVALID'],
  ])('%j is a usage error that says what to write', async (args, text) => {
    const { exitCode, stdout, stderr } = await fenbu(...args)
    expect(stderr).toContain(text)
    expect(stdout).toBe('')
    expect(exitCode).toBe(EXIT.USAGE)
  })

  it('says that a registry does not answer, why, and what to do', async () => {
    const { exitCode, stderr } = await fenbu(
      'services',
      '--registry',
      'fenbu://127.0.0.1:1',
      '--timeout-ms',
      '100',
    )
    expect(exitCode).toBe(EXIT.FAILED)
    expect(stderr).toContain('fenbu: fenbu://127.0.0.1:1 did not answer within 100 ms')
    expect(stderr).toContain('ECONNREFUSED')
    expect(stderr).toMatch(/ {2}code {5}REGISTRY_UNREACHABLE\n {2}do {7}Check that it runs/)
  })
})

describe('fenbu server', () => {
  it('says where it is in one line, serves, drains on SIGTERM and keeps its data', async () => {
    const data = await temporaryFolder()
    const first = await startedServer('--data', data)
    expect(first.line).toMatch(/^fenbu server ready at fenbu:\/\/127\.0\.0\.1:\d+ \(data in \/.*, \d+ ms\)$/)
    const app = await connect(first.url)
    await app.coordination.create('/kept', Uint8Array.of(7))
    await app.close()
    expect(await first.end('SIGTERM')).toBe(EXIT.OK)
    const second = await startedServer('--data', data)
    const later = await connect(second.url)
    expect((await later.coordination.get('/kept')).data).toEqual(Uint8Array.of(7))
    await later.close()
    expect(await second.end('SIGINT')).toBe(EXIT.OK)
  })

  it('refuses a folder and a port that are in use', async () => {
    const data = await temporaryFolder()
    const { url } = await startedServer('--data', data)
    const sameFolder = await fenbu('server', '--port', '0', '--data', data)
    expect(sameFolder).toMatchObject({
      exitCode: EXIT.FAILED,
      stderr: expect.stringContaining('SERVER_DATA_IN_USE'),
    })
    const samePort = await fenbu('server', '--port', new URL(url).port, '--data', await temporaryFolder())
    expect(samePort).toMatchObject({
      exitCode: EXIT.FAILED,
      stderr: expect.stringContaining('HOST_ADDRESS_IN_USE'),
    })
  })

  it('listens on loopback unless it is told otherwise', async () => {
    const args = ['server', '--host', '0.0.0.0', '--port', '0', '--data', await temporaryFolder()]
    expect(await fenbu(...args)).toMatchObject({
      exitCode: EXIT.FAILED,
      stderr: expect.stringContaining('--insecure'),
    })
  })

  it('lets in those with a certificate of its authority, and nobody else', async () => {
    const files = (who: string, ca = 'ca'): string[] =>
      Object.entries({ ca: `${ca}.crt`, cert: `${who}.crt`, key: `${who}.key` }).flatMap(([name, file]) => [
        `--tls-${name}`,
        `test/host/certificates/${file}`,
      ])
    const { url } = await startedServer('--data', await temporaryFolder(), ...files('server'))
    const asked = ['services', '--registry', url, '--timeout-ms', '3000']
    expect(await fenbu(...asked, ...files('client'))).toMatchObject({ stderr: '', exitCode: EXIT.OK })
    const bare = await fenbu(...asked, '--tls-ca', 'test/host/certificates/ca.crt')
    expect(bare).toMatchObject({ exitCode: EXIT.FAILED, stderr: expect.stringContaining('certificate') })
    const plain = await fenbu(...asked)
    expect(plain).toMatchObject({ exitCode: EXIT.FAILED, stderr: expect.stringContaining('TLS') })
  })

  it('calls over TLS where registry and providers want it', async () => {
    const pem = (file: string): string => readFileSync(`test/host/certificates/${file}`, 'utf8')
    const tls = { ca: pem('ca.crt'), cert: pem('server.crt'), key: pem('server.key') }
    const own = ['ca', 'cert', 'key'].flatMap((name) => [
      `--tls-${name}`,
      `test/host/certificates/${{ ca: 'ca.crt', cert: 'client.crt', key: 'client.key' }[name]}`,
    ])
    const provider = await createRpcServer({ tls: { ...tls, requireClientCertificate: true } })
    onTestFinished(() => provider.close())
    await provider.provide('order', { buy: async (item: string) => item })
    const args = [
      'call',
      'order',
      'buy',
      '"x"',
      '--registry',
      `static:order=127.0.0.1:${provider.address.port}`,
    ]
    expect(await fenbu(...args, ...own, '--tls-providers')).toMatchObject({
      stdout: '"x"\n',
      exitCode: EXIT.OK,
    })
  })

  it('goes on over a kill -9 with everything that was acknowledged', async () => {
    const data = await temporaryFolder()
    const first = await startedServer('--data', data)
    const app = await connect(first.url)
    await Promise.all([1, 2, 3].map((at) => app.coordination.create(`/order-${at}`, Uint8Array.of(at))))
    await first.end('SIGKILL')
    const second = await startedServer('--data', data)
    const later = await connect(second.url)
    expect((await later.coordination.children('/')).children).toEqual(
      expect.arrayContaining(['order-1', 'order-2', 'order-3']),
    )
    await Promise.all([app.close(), later.close()])
  })
})

describe('fenbu call and services', () => {
  let server: TestServer
  let app: App

  beforeAll(async () => {
    server = await startServer()
    app = await connect(server.url)
    const order = {
      buy: async (item: string, quantity = 1) => ({ item, quantity }),
      nothing: async () => undefined,
    }
    await app.provide('order', order, { version: '1.2.0', metadata: { name: 'first' } })
    return async () => {
      await app.close()
      await server.close()
    }
  })

  it('calls a method by its name and prints the result as JSON', async () => {
    const registry = ['--registry', server.url]
    const bought = await fenbu('call', 'order', 'buy', '"HHKB键盘"', '2', ...registry)
    expect(bought.stderr).toBe('')
    expect(JSON.parse(bought.stdout)).toEqual({ item: 'HHKB键盘', quantity: 2 })
    expect(bought.exitCode).toBe(EXIT.OK)
    expect(await fenbu('call', 'order', 'nothing', ...registry)).toMatchObject({ stdout: 'undefined\n' })
    const range = await fenbu('call', 'order', 'buy', '1', '--range', '^1.2', ...registry)
    expect(range.exitCode).toBe(EXIT.OK)
  })

  it.each<[string[], string]>([
    [['order', 'sell'], 'RPC_NO_SUCH_METHOD'],
    [['order', 'buy', '--range', '^2'], '1.2.0'],
    [['stock', 'take'], 'stock'],
  ])('fails with the reason when there is no such thing: %j', async (args, text) => {
    const { exitCode, stderr, stdout } = await fenbu(
      'call',
      ...args,
      '--registry',
      server.url,
      '--timeout-ms',
      '1000',
    )
    expect(stderr).toContain(text)
    expect(stdout).toBe('')
    expect(exitCode).toBe(EXIT.FAILED)
  })

  it('lists who provides what, for people and for programs', async () => {
    const lines = (await fenbu('services', '--registry', server.url)).stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]!.split('\t')).toEqual(expect.arrayContaining(['order', '1.2.0', 'default', '100', 'up']))
    const json = await fenbu('services', 'order', '--json', '--registry', server.url)
    expect(JSON.parse(json.stdout)).toMatchObject([{ service: 'order', metadata: { name: 'first' } }])
    const nobody = await fenbu('services', 'nobody', '--registry', server.url)
    expect(nobody).toMatchObject({
      exitCode: EXIT.FAILED,
      stderr: expect.stringContaining('CLI_NO_INSTANCES'),
    })
  })
})

describe('a table', () => {
  it('aligns wide characters on a terminal and uses tabs elsewhere', () => {
    expect(['键盘', 'a', '👍', '가', 'é'].map(displayWidth)).toEqual([4, 1, 2, 2, 1])
    const rows = [
      ['键盘', '1'],
      ['abcde', '2'],
    ]
    expect(formatTable(['ITEM', 'N'], rows, true)).toBe('ITEM   N\n键盘   1\nabcde  2\n')
    expect(formatTable(['ITEM', 'N'], rows, false)).toBe('ITEM\tN\n键盘\t1\nabcde\t2\n')
  })
})

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function fenbu(...args: string[]): Promise<Ended> {
  const child = start(args)
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk
  })
  const [exitCode] = (await once(child, 'close')) as [number]
  return { exitCode, ...output }
}

/** A server on a free port, once it has said that it is ready. */
async function startedServer(...args: string[]) {
  const child = start(['server', '--port', '0', ...args])
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  return {
    line,
    url: /fenbu:\/\/\S+/.exec(line)![0],
    async end(signal: NodeJS.Signals): Promise<number> {
      const closed = once(child, 'close')
      child.kill(signal)
      const [exitCode] = (await closed) as [number]
      return exitCode
    },
  }
}

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['dist/cli/main.js', ...args], {
    env: { ...process.env, NO_COLOR: '1' },
  })
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
