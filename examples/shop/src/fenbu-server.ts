import { startServer } from 'fenbu/server'
import { play } from './role.ts'
import { readRoleOptions } from './role-options.ts'

/** The fenbu server as a process of the shop: what `fenbu server --data FOLDER` runs, ending with its supervisor. */
await play(async () => {
  const options = readRoleOptions('server', 'data', 'port')
  const server = await startServer({
    data: options.text('data'),
    port: options.number('port', 0, 65_535),
  })
  server.onDeath((error) => {
    console.error(error.message)
    process.exit(1)
  })
  return { ready: { url: server.url }, journeys: () => [], drain: () => server.close() }
})
