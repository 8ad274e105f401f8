// get, set and create of the coordination server against Debian's ZooKeeper, interleaved in one run: 8 connections,
// 64 requests in flight on each, nodes of 100 bytes, every write durable before it is answered.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CONNECTIONS = 8
const IN_FLIGHT = 64
const DATA_BYTES = 100
const ROUNDS = Number(process.env.FENBU_BENCH_ROUNDS ?? 5)
const ROUND_MS = Number(process.env.FENBU_BENCH_ROUND_MS ?? 1_500)
const WARM_UP_MS = Number(process.env.FENBU_BENCH_WARM_UP_MS ?? 8_000)
const OPERATIONS = ['get', 'set', 'create']
const CODE = { create: 1, get: 4, set: 5 }

/** One connection that keeps a fixed number of requests in flight. */
class Load {
  #socket
  #rest = Buffer.alloc(0)
  #waiting
  #answered = 0
  #xid = 0
  #request
  #running = false
  #idle
  #inFlight = 0

  static async open(port) {
    const load = new Load()
    load.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    load.#socket.on('data', (chunk) => load.#receive(chunk))
    load.#socket.on('error', (error) => {
      throw error
    })
    const hello = Buffer.alloc(4 + 45)
    hello.writeInt32BE(45, 0)
    hello.writeInt32BE(30_000, 16)
    hello.writeInt32BE(16, 28)
    await load.call(hello)
    return load
  }

  /** Sends one frame and resolves with its answer. */
  call(frame) {
    return new Promise((resolve) => {
      this.#waiting = resolve
      this.#socket.write(frame)
    })
  }

  /** Keeps `IN_FLIGHT` requests under way until `stop`. */
  start(request) {
    this.#request = request
    this.#running = true
    this.#answered = 0
    this.#send(IN_FLIGHT)
  }

  /** Resolves with the answers so far once nothing is under way. */
  stop() {
    this.#running = false
    const counted = this.#answered
    return new Promise((resolve) => {
      this.#idle = () => resolve(counted)
      if (this.#inFlight === 0) this.#idle()
    })
  }

  end() {
    this.#socket.destroy()
  }

  #send(count) {
    const frames = []
    for (let i = 0; i < count; i++) frames.push(this.#request(++this.#xid))
    this.#inFlight += count
    this.#socket.write(Buffer.concat(frames))
  }

  #receive(chunk) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    let frames = 0
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readInt32BE(at)
      if (end > bytes.length) break
      if (this.#waiting) {
        const waiting = this.#waiting
        this.#waiting = undefined
        waiting(bytes.subarray(at, end))
      } else {
        if (bytes.readInt32BE(at + 16) !== 0) throw new Error(`error ${bytes.readInt32BE(at + 16)}`)
        frames++
      }
      at = end
    }
    this.#rest = bytes.subarray(at)
    if (frames === 0) return
    this.#inFlight -= frames
    this.#answered += frames
    if (this.#running) this.#send(frames)
    else if (this.#inFlight === 0) this.#idle?.()
  }
}

function frame(xid, code, ...fields) {
  const body = Buffer.concat(fields)
  const bytes = Buffer.allocUnsafe(12 + body.length)
  bytes.writeInt32BE(8 + body.length, 0)
  bytes.writeInt32BE(xid, 4)
  bytes.writeInt32BE(code, 8)
  body.copy(bytes, 12)
  return bytes
}

const HEADER_BYTES = 12
const int = (value) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const buffer = (bytes) => Buffer.concat([int(bytes.length), bytes])
const string = (text) => buffer(Buffer.from(text))
const OPEN_ACL = Buffer.concat([int(1), int(31), string('world'), string('anyone')])
const DATA = buffer(Buffer.alloc(DATA_BYTES, 0x61))
const DIGITS = 9
let created = 0

/** Makes one request after the other, cheaply: what is measured is the server. */
function requestsOf(operation, connection) {
  const path = `/bench-${connection}`
  if (operation === 'get') return patched(frame(0, CODE.get, string(path), Buffer.from([0])))
  if (operation === 'set') return patched(frame(0, CODE.set, string(path), DATA, int(-1)))
  const child = string(`${path}/n${'0'.repeat(DIGITS)}`)
  return patched(frame(0, CODE.create, child, DATA, OPEN_ACL, int(0)), HEADER_BYTES + child.length)
}

/** `numberEnd`: where the number in the path ends, if there is one to count up. */
function patched(template, numberEnd) {
  return (xid) => {
    const copy = Buffer.from(template)
    copy.writeInt32BE(xid, 4)
    if (numberEnd === undefined) return copy
    let rest = ++created
    for (let at = numberEnd - 1; rest > 0; at--) {
      copy[at] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return copy
  }
}

class Engine {
  constructor(name, port, stop) {
    this.name = name
    this.port = port
    this.stop = stop
    this.rates = { get: [], set: [], create: [] }
  }

  async prepare() {
    this.loads = await Promise.all(Array.from({ length: CONNECTIONS }, () => Load.open(this.port)))
    for (const [index, load] of this.loads.entries())
      await load.call(frame(1, CODE.create, string(`/bench-${index}`), DATA, OPEN_ACL, int(0)))
  }

  /** Answers per second. */
  async run(operation, forMs) {
    const startedMs = performance.now()
    for (const [index, load] of this.loads.entries()) load.start(requestsOf(operation, index))
    await new Promise((resolve) => setTimeout(resolve, forMs))
    const elapsedMs = performance.now() - startedMs
    const counts = await Promise.all(this.loads.map((load) => load.stop()))
    return (counts.reduce((sum, count) => sum + count, 0) * 1000) / elapsedMs
  }

  medians() {
    const rounded = (operation) => Math.round(median(this.rates[operation]))
    return Object.fromEntries(OPERATIONS.map((operation) => [operation, rounded(operation)]))
  }

  async close() {
    for (const load of this.loads ?? []) load.end()
    await this.stop()
  }
}

async function startZooKeeper() {
  const jars = '/usr/share/java'
  if (!existsSync(`${jars}/zookeeper.jar`))
    throw new Error('this bench compares with ZooKeeper: apt-get install zookeeper default-jre-headless')
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-bench-zookeeper-'))
  const port = await freePort()
  const lines = [
    'tickTime=2000',
    `dataDir=${folder}/data`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
  ]
  lines.push('4lw.commands.whitelist=*', 'admin.enableServer=false', 'maxClientCnxns=0', '')
  await writeFile(join(folder, 'zoo.cfg'), lines.join('\n'))
  const names = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-nop', 'snappy-java', 'metrics-core']
  const classpath = names.map((name) => `${jars}/${name}.jar`).join(':')
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  const java = ['java', '-Xmx512m', '-cp', classpath, main, join(folder, 'zoo.cfg')]
  // It must not outlive a bench that is killed.
  const server = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', ...java], { stdio: 'ignore' })
  await listening(port)
  return new Engine('zookeeper', port, () => ended(server, folder))
}

async function startFenbu() {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-bench-'))
  const program = fileURLToPath(new URL('./coordination/server.js', import.meta.url))
  const flags = (process.env.FENBU_BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean)
  const node = spawn(process.execPath, [...flags, program, join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise((resolve, reject) => {
    node.stdout.once('data', (line) => resolve(Number(/\d+/.exec(line.toString())[0])))
    node.once('exit', () => reject(new Error('the server did not start')))
  })
  return new Engine('fenbu', port, () => ended(node, folder))
}

async function ended(child, folder) {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
  await rm(folder, { recursive: true, force: true })
}

async function listening(port) {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => socket.write('srvr'))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', () => resolve(''))
      socket.on('close', () => resolve(text))
    })
    if (answer.includes('Mode:')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('ZooKeeper did not start')
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

export async function run({ log }) {
  const alone = process.env.FENBU_BENCH_ONLY === 'fenbu'
  const engines = await Promise.all(alone ? [startFenbu()] : [startFenbu(), startZooKeeper()])
  try {
    await measure(engines, log)
  } finally {
    for (const engine of engines) await engine.close()
  }
  const perSecond = Object.fromEntries(engines.map((engine) => [engine.name, engine.medians()]))
  const { fenbu, zookeeper } = perSecond
  const ratio = (operation) => Number((fenbu[operation] / zookeeper[operation]).toFixed(2))
  return {
    bench: 'coordination',
    ratios: zookeeper && Object.fromEntries(OPERATIONS.map((operation) => [operation, ratio(operation)])),
    perSecond,
  }
}

async function measure(engines, log) {
  for (const engine of engines) await engine.prepare()
  for (const engine of engines)
    for (const operation of OPERATIONS) await engine.run(operation, WARM_UP_MS / OPERATIONS.length)
  for (let round = 0; round < ROUNDS; round++)
    for (const operation of OPERATIONS)
      for (const engine of round % 2 === 0 ? engines : [...engines].reverse()) {
        const rate = await engine.run(operation, ROUND_MS)
        engine.rates[operation].push(rate)
        log(`round ${round + 1}, ${operation}, ${engine.name}: ${Math.round(rate)} per second`)
      }
}
