import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

/** Another process of an application; ends with the test. */
export class Peer {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves once it is connected. */
  static async start(url: string, sessionTimeoutMs?: number): Promise<Peer> {
    const args = [url, ...(sessionTimeoutMs === undefined ? [] : [String(sessionTimeoutMs)])]
    const child = fork('test/app/peer-process.mjs', args, { stdio: 'inherit' })
    onTestFinished(() => void child.kill('SIGKILL'))
    const peer = new Peer(child)
    await peer.#answer()
    return peer
  }

  get pid(): number {
    return this.#child.pid!
  }

  ask(action: 'provide' | 'session'): Promise<unknown> {
    const answer = this.#answer()
    this.#child.send(action)
    return answer
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }

  async #answer(): Promise<unknown> {
    const answered = once(this.#child, 'message').then(([message]) => (message as { result: unknown }).result)
    const exited = once(this.#child, 'exit').then(() => {
      throw new Error('the other process ended')
    })
    return await Promise.race([answered, exited])
  }
}
