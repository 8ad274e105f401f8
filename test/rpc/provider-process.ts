import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { atEnd } from './fixture.ts'

/** What a provider in a process of its own offers as service `work`. */
export interface Work {
  pid(): Promise<number>
  /** Kills its process before it answers. */
  die(): Promise<void>
  attempt(): Promise<number>
}

export interface ProviderProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly address: { readonly host: string; readonly port: number }
  kill(): Promise<void>
}

/** Starts a provider that the end of the test kills. */
export async function startProvider(port = 0): Promise<ProviderProcess> {
  const child = fork(new URL('./provider-process.mjs', import.meta.url), [String(port)])
  const gone = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  atEnd(kill)
  const [message] = (await once(child, 'message')) as [{ port: number }]
  return { child, pid: child.pid!, address: { host: '127.0.0.1', port: message.port }, kill }
}
