import { parentPort, workerData } from 'node:worker_threads'
import { FenbuError } from '../base/index.ts'
import type { CrossedError, FromEmbedded } from './embedded-server.ts'
import type { ServerOptions } from './options.ts'
import { startServer } from './start-server.ts'

// The thread of an embedded server: starts it, says where it is, closes it when told to.

const port = parentPort!

try {
  const server = await startServer(workerData as ServerOptions)
  port.on('message', () => void server.close().then(() => port.close()))
  server.onDeath((error) => tell({ type: 'died', error: crossed(error) }))
  tell({ type: 'ready', url: server.url, host: server.host, port: server.port })
} catch (error) {
  tell({ type: 'refused', error: crossed(error) })
}

function tell(message: FromEmbedded): void {
  port.postMessage(message)
}

function crossed(error: unknown): CrossedError {
  if (error instanceof FenbuError) return { code: error.code, outcome: error.outcome, message: error.message }
  return { code: 'SERVER_START_FAILED', outcome: 'not-executed', message: String(error) }
}
