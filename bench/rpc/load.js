/** Keeps a number of calls under way for a while, each from a caller that awaits it, and counts what came back. */
export async function keepBusy(call, inFlight, ms) {
  const durations = new Float64Array(1 << 20)
  let count = 0
  const before = process.cpuUsage()
  const start = performance.now()
  const end = start + ms
  const caller = async () => {
    let now = performance.now()
    while (now < end) {
      await call()
      const then = performance.now()
      durations[count++ % durations.length] = then - now
      now = then
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  const elapsedMs = performance.now() - start
  const cpu = process.cpuUsage(before)
  const sorted = durations.subarray(0, Math.min(count, durations.length)).sort()
  return {
    calls: count,
    callsPerSecond: (count / elapsedMs) * 1000,
    p50Us: sorted[Math.floor(sorted.length * 0.5)] * 1000,
    p99Us: sorted[Math.floor(sorted.length * 0.99)] * 1000,
    cpuUs: (cpu.user + cpu.system) / count,
  }
}

/** A server answers every message with the CPU time that it has used since the last one, in microseconds. */
export function answerCpu() {
  let last = process.cpuUsage()
  process.on('message', () => {
    const used = process.cpuUsage(last)
    last = process.cpuUsage()
    process.send({ cpuUs: used.user + used.system })
  })
}
