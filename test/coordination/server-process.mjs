// A coordination server as a process of its own: `node server-process.mjs <folder> [port] [tickMs]` prints its port
// and serves until it is killed, or until whoever started it is gone. Runs what `tsc -b` built.
import { CoordinationServer } from '../../dist/coordination/server/index.js'
import { Listener, nodeClock, nodeFiles, nodeRandom, nodeTimers } from '../../dist/host/index.js'

const [folder, port = '0', tickMs = '2000'] = process.argv.slice(2)
const files = nodeFiles(folder)
const server = await CoordinationServer.open({
  world: { clock: nodeClock, timers: nodeTimers, random: nodeRandom, files },
  folder: 'coordination',
  options: { tickMs: Number(tickMs) },
  onFailure(error) {
    console.error(error)
    process.exit(1)
  },
})
const listener = await Listener.open({ port: Number(port), services: [server.service()] })
process.once('SIGTERM', async () => {
  await listener.close({ drainTimeoutMs: 2_000 })
  await server.close()
  await files.close()
  process.exit(0)
})
process.stdin.on('end', () => process.exit(0)).resume()
console.log(`listening on port ${listener.address.port}`)
