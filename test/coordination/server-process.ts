import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, 'server-process.mjs')

/** A coordination server in a process of its own, as built: one that can be killed. */
export interface ServerProcess {
  readonly port: number
  readonly pid: number
  readonly folder: string
  /** SIGKILL; resolves once it is gone. The data stays. */
  kill(): Promise<void>
  /** Starts it again on the same data and port. */
  start(): Promise<void>
  /** Kills it and removes the data. */
  stop(): Promise<void>
}

export interface ServerProcessOptions {
  readonly tickMs?: number
  /** In front of the command, such as strace and its options. */
  readonly prefix?: readonly string[]
}

export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'fenbu-server-process-'))
  let running = await launch(folder, 0, options)
  const { port } = running
  return {
    port,
    folder,
    get pid() {
      return running.child.pid!
    },
    kill: () => kill(running.child),
    async start() {
      running = await launch(folder, port, options)
    },
    async stop() {
      await kill(running.child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function launch(
  folder: string,
  port: number,
  { tickMs = 2_000, prefix = [] }: ServerProcessOptions,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const command = [...prefix, process.execPath, PROGRAM, folder, String(port), String(tickMs)]
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  return await new Promise((resolve, reject) => {
    let output = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const listening = /listening on port (\d+)/.exec(output)
      if (listening) resolve({ child, port: Number(listening[1]) })
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`the server ended (${code ?? signal}): ${output}; run npx tsc -b first`)),
    )
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
