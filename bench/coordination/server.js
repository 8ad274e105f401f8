// The server under test: `node server.js <data folder>` prints its port and serves until SIGTERM.
import { startServer } from 'fenbu/server'

const server = await startServer({ data: process.argv[2], port: 0 })
process.once('SIGTERM', () => server.close())
console.log(`listening on port ${server.port}`)
