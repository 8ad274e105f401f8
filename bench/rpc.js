// Calls over fenbu RPC, everything on, against raw TCP frames of the same size whose bytes mean nothing: for each a
// client and a server in processes of their own, rounds interleaved, medians. CPU is that of both processes per call.
import { fork } from 'node:child_process'
import { once } from 'node:events'

const ROUNDS = 7
const ROUND_MS = 1_000
const WARM_UP_MS = 3_000

const CASES = [
  { name: 'inflight64', inFlight: 64, textBytes: 10 },
  { name: 'inflight64Text1KiB', inFlight: 64, textBytes: 1024 },
  { name: 'inflight1', inFlight: 1, textBytes: 10 },
]

export async function run({ log }) {
  const pairs = [await startPair('fenbu'), await startPair('raw')]
  try {
    const ratios = {}
    const cases = {}
    for (const one of CASES) {
      cases[one.name] = await compare(pairs, one)
      ratios[one.name] = cases[one.name].ratio
      log(`${one.name}: ${ratios[one.name]} of the calls per second of raw frames`)
    }
    return { bench: 'rpc', ratios, cases }
  } finally {
    for (const { client, server } of pairs) {
      client.kill()
      server.kill()
    }
  }
}

async function compare([fenbu, raw], one) {
  const sizes = await ask(fenbu.client, { sizes: true, ...one })
  const ours = []
  const theirs = []
  await round(fenbu, { ...one, ms: WARM_UP_MS })
  await round(raw, { ...one, ...sizes, ms: WARM_UP_MS })
  for (let i = 0; i < ROUNDS; i++) {
    theirs.push(await round(raw, { ...one, ...sizes, ms: ROUND_MS }))
    ours.push(await round(fenbu, { ...one, ms: ROUND_MS }))
  }
  const of = (field) => rounded(median(ours.map((result, i) => result[field] / theirs[i][field])))
  return {
    ratio: of('callsPerSecond'),
    p50Ratio: of('p50Us'),
    cpuRatio: of('cpuUs'),
    ...sizes,
    fenbu: summary(ours),
    raw: summary(theirs),
  }
}

async function round({ client, server }, question) {
  await ask(server, {})
  const result = await ask(client, question)
  const { cpuUs } = await ask(server, {})
  return { ...result, cpuUs: result.cpuUs + cpuUs / result.calls }
}

function summary(results) {
  const of = (field) => median(results.map((result) => result[field]))
  return {
    callsPerSecond: Math.round(of('callsPerSecond')),
    p50Us: Math.round(of('p50Us')),
    p99Us: Math.round(of('p99Us')),
    cpuUs: rounded(of('cpuUs')),
  }
}

async function startPair(kind) {
  const server = fork(new URL(`./rpc/${kind}-server.js`, import.meta.url))
  const [{ port }] = await once(server, 'message')
  const client = fork(new URL(`./rpc/${kind}-client.js`, import.meta.url), [String(port)])
  await once(client, 'message')
  return { server, client }
}

function ask(child, question) {
  return new Promise((resolve, reject) => {
    const died = (code) => reject(new Error(`a process of the bench died with code ${code}`))
    child.once('exit', died)
    child.once('message', (answer) => {
      child.off('exit', died)
      resolve(answer)
    })
    child.send(question)
  })
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function rounded(value) {
  return Math.round(value * 1000) / 1000
}
