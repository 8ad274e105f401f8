// Group commit against one fdatasync per record: the same records of 128 bytes, in rounds that alternate, medians.
// The other side is the least that a durable record costs: a write into a zero-filled file and an fdatasync, in
// one thread, with nothing between them.
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDiskLog } from 'fenbu/storage'

const ROUNDS = 9
const ROUND_MS = 400
const RECORD = new Uint8Array(128).fill(7)
const IN_FLIGHT = [1, 64, 512]
const FILE_BYTES = 16 * 1024 * 1024

export async function run({ log }) {
  const folder = mkdtempSync(join(process.env.FENBU_BENCH_FOLDER ?? tmpdir(), 'fenbu-bench-'))
  const single = openZeroFilled(join(folder, 'single'))
  const disk = await openDiskLog(join(folder, 'log'))
  try {
    const stream = disk.log.stream('bench')
    const syncs = []
    const ratios = Object.fromEntries(IN_FLIGHT.map((inFlight) => [inFlight, []]))
    await groupCommit(stream, 64, ROUND_MS)
    onePerRecord(single, ROUND_MS, [])
    for (let round = 0; round < ROUNDS; round++) {
      for (const inFlight of IN_FLIGHT) {
        const alone = onePerRecord(single, ROUND_MS, syncs)
        const grouped = await groupCommit(stream, inFlight, ROUND_MS)
        ratios[inFlight].push(grouped / alone)
        log(`${inFlight} in flight: ${(grouped / alone).toFixed(1)} times one fdatasync per record`)
      }
    }
    return {
      bench: 'storage',
      ratios: Object.fromEntries(IN_FLIGHT.map((n) => [`inflight${n}`, round1(median(ratios[n]))])),
      fdatasyncP50Us: Math.round(median(syncs) * 1000),
    }
  } finally {
    await disk.close()
    closeSync(single)
    rmSync(folder, { recursive: true })
  }
}

function openZeroFilled(path) {
  const descriptor = openSync(path, 'w')
  writeSync(descriptor, new Uint8Array(FILE_BYTES))
  fsyncSync(descriptor)
  return descriptor
}

/** Records per second. */
function onePerRecord(descriptor, ms, syncs) {
  const startedMs = performance.now()
  let records = 0
  let nowMs = startedMs
  while (nowMs - startedMs < ms) {
    writeSync(descriptor, RECORD, 0, RECORD.length, (records * RECORD.length) % FILE_BYTES)
    fdatasyncSync(descriptor)
    const laterMs = performance.now()
    syncs.push(laterMs - nowMs)
    nowMs = laterMs
    records++
  }
  return (records / (nowMs - startedMs)) * 1000
}

/** Records per second, each producer waiting for its record before it appends the next. */
async function groupCommit(stream, inFlight, ms) {
  const startedMs = performance.now()
  let records = 0
  const endMs = startedMs + ms
  await new Promise((resolve, reject) => {
    let running = inFlight
    const next = (error) => {
      if (error) reject(error)
      else if (performance.now() < endMs) append()
      else if (--running === 0) resolve()
    }
    const durable = (error) => {
      records++
      next(error)
    }
    const append = () => stream.write({ records: [RECORD] }, durable)
    for (let i = 0; i < inFlight; i++) append()
  })
  const rate = (records / (performance.now() - startedMs)) * 1000
  await stream.truncatePrefix(stream.lastIndex)
  return rate
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function round1(value) {
  return Math.round(value * 10) / 10
}
