import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../../src/server/index.ts'
import { describeRegistry, type RegistryEngine } from './contract.ts'

describeRegistry('a fenbu server', startEngine)

/** A server in this process that can be ended and started again on its data and its port. */
async function startEngine(): Promise<RegistryEngine> {
  const data = await mkdtemp(join(tmpdir(), 'fenbu-registry-server-'))
  const options = { data, coordination: { tickMs: 200 }, drainTimeoutMs: 0 }
  let server = await startServer({ ...options, port: 0 })
  const { port } = server
  return {
    url: `zookeeper://127.0.0.1:${port}`,
    kill: () => server.close(),
    async start() {
      server = await startServer({ ...options, port })
    },
    async stop() {
      await server.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}
