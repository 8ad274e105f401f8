// A provider as a process of its own: `node provider-process.mjs [port]` prints its port, and serves until it is
// killed or whoever started it is gone. Runs what `tsc -b` built.
import { createRpcServer, currentCall } from '../../dist/rpc/index.js'

const [port = '0'] = process.argv.slice(2)
const server = await createRpcServer({ port: Number(port) })
await server.provide('work', {
  pid: async () => process.pid,
  die: () => process.kill(process.pid, 'SIGKILL'),
  attempt: async () => currentCall().attempt,
})
process.on('disconnect', () => process.exit())
process.send({ port: server.address.port })
