import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Files, World } from '../../src/base/index.ts'
import { CoordinationServer, type CoordinationServerOptions } from '../../src/coordination/server/index.ts'
import {
  type ConnectionOptions,
  Listener,
  type NodeFiles,
  nodeClock,
  nodeFiles,
  nodeRandom,
  nodeTimers,
} from '../../src/host/index.ts'
import type { Engine } from './behaviour.ts'

export interface EmbeddedEngine extends Engine {
  readonly port: number
  readonly server: CoordinationServer
  readonly listener: Listener
  /** Removes the data of a server that was killed. */
  wipe(): Promise<void>
}

export interface EmbeddedOptions {
  readonly server?: CoordinationServerOptions
  readonly connection?: ConnectionOptions
  /** Puts something between the server and its disk. */
  readonly wrapFiles?: (files: Files) => Files
  /** Told when the server can go on no longer. */
  readonly onFailure?: (error: Error) => void
}

/** A coordination server in this process, on a free port and a temporary folder. */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedEngine> {
  const root = await mkdtemp(join(tmpdir(), 'fenbu-coordination-'))
  let running = await open(root, 0, options)
  const { port } = running.listener.address
  return {
    port,
    url: `fenbu://127.0.0.1:${port}`,
    get server() {
      return running.server
    },
    get listener() {
      return running.listener
    },
    kill: () => close(running),
    async start() {
      running = await open(root, port, options)
    },
    wipe: () => rm(root, { recursive: true, force: true }),
    async stop() {
      await close(running)
      await rm(root, { recursive: true, force: true })
    },
  }
}

interface Running {
  readonly files: NodeFiles
  readonly server: CoordinationServer
  readonly listener: Listener
}

async function open(root: string, port: number, options: EmbeddedOptions): Promise<Running> {
  const files = nodeFiles(root)
  const seen = options.wrapFiles?.(files) ?? files
  const world: World = { clock: nodeClock, timers: nodeTimers, random: nodeRandom, files: seen }
  const server = await CoordinationServer.open({
    world,
    folder: 'coordination',
    ...(options.server && { options: options.server }),
    ...(options.onFailure && { onFailure: options.onFailure }),
  })
  const listener = await Listener.open({
    port,
    services: [server.service()],
    ...(options.connection && { connection: options.connection }),
  })
  return { files, server, listener }
}

async function close({ listener, server, files }: Running): Promise<void> {
  await listener.close({ drainTimeoutMs: 1_000 })
  await server.close()
  await files.close()
}
