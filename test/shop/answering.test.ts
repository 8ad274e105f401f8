import { join } from 'node:path'
import { describe } from 'vitest'
import { type Engine, keepsAnswering } from './keeps-answering.ts'
import { Role } from './shop-process.ts'

describe('the shop on a fenbu server keeps answering', { timeout: 60_000 }, () => {
  keepsAnswering(openServer, 8_000)
})

async function openServer(folder: string): Promise<Engine> {
  const open = (port: string): Promise<Role> =>
    Role.open('fenbu-server.js', ['--data', join(folder, 'data'), '--port', port], folder)
  let server = await open('0')
  return {
    url: server.url,
    kill: () => server.kill(),
    stop: () => server.kill(),
    async start() {
      server = await open(server.port)
    },
  }
}
