import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const JARS = '/usr/share/java'
const CLASSPATH = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-nop', 'snappy-java', 'metrics-core']
  .map((name) => `${JARS}/${name}.jar`)
  .join(':')
const START_TIMEOUT_MS = 30_000

/** Whether Debian's package `zookeeper` and a Java runtime are installed. */
export const realZooKeeperInstalled: boolean =
  existsSync(`${JARS}/zookeeper.jar`) && existsSync('/usr/bin/java')

export interface RealZooKeeper {
  readonly host: string
  readonly port: number
  readonly url: string
  readonly pid: number
  /** Ends the process; the data stays. */
  kill(): Promise<void>
  /** Starts it again on the same data and port. */
  start(): Promise<void>
  /** Ends the process and removes the data. */
  stop(): Promise<void>
}

/** A real ZooKeeper on a free port of the loopback and a temporary folder. */
export async function startRealZooKeeper(options: { readonly tickMs?: number } = {}): Promise<RealZooKeeper> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-zookeeper-'))
  const port = await freePort()
  const configFile = join(folder, 'zoo.cfg')
  await mkdir(join(folder, 'data'))
  await writeFile(configFile, configuration(join(folder, 'data'), port, options.tickMs ?? 2_000))
  let running = await launch(configFile, folder, port)
  return {
    host: '127.0.0.1',
    port,
    url: `zookeeper://127.0.0.1:${port}`,
    get pid() {
      return running.pid!
    },
    kill: () => end(running),
    async start() {
      running = await launch(configFile, folder, port)
    },
    async stop() {
      await end(running)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configuration(dataFolder: string, port: number, tickMs: number): string {
  return [
    `tickTime=${tickMs}`,
    `dataDir=${dataFolder}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    '4lw.commands.whitelist=*',
    'admin.enableServer=false',
    'maxClientCnxns=0',
    '',
  ].join('\n')
}

async function launch(configFile: string, folder: string, port: number): Promise<ChildProcess> {
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  const java = ['/usr/bin/java', '-Xmx512m', '-cp', CLASSPATH, main, configFile]
  // It must not outlive a test run that is killed.
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', ...java], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000)
  })
  const giveUpMs = performance.now() + START_TIMEOUT_MS
  while (performance.now() < giveUpMs && child.exitCode === null) {
    if ((await fourLetterWord(port, 'srvr')).includes('Mode:')) return child
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await end(child)
  throw new Error(`ZooKeeper did not start on port ${port}: ${errors}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

/** The answer to a four-letter word; empty if there is none. */
function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connectTcp({ host: '127.0.0.1', port }, () => socket.write(word))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
