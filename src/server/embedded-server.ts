import { Worker } from 'node:worker_threads'
import { FenbuError, type Outcome } from '../base/index.ts'
import { serverError } from './errors.ts'
import type { ServerOptions } from './options.ts'

/** What the thread says. Errors cross as plain fields. */
export type FromEmbedded =
  | { readonly type: 'ready'; readonly url: string; readonly host: string; readonly port: number }
  | { readonly type: 'died' | 'refused'; readonly error: CrossedError }
  | { readonly type: 'closed' }

export interface CrossedError {
  readonly code: string
  readonly outcome: Outcome
  readonly message: string
}

/** A fenbu server in a thread of this process. */
export interface EmbeddedServer {
  /** `fenbu://127.0.0.1:<port>`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Called once if it stops without having been asked to. */
  onDeath(listener: (error: FenbuError) => void): void
  /** Drains it and ends the thread. */
  close(): Promise<void>
}

/**
 * Starts a server beside this process, in a thread of its own: while the application blocks its event loop, the
 * server goes on and no session of anyone else is lost. Fails like `startServer`.
 */
export async function startEmbedded(options: ServerOptions): Promise<EmbeddedServer> {
  const thread = new EmbeddedThread(options)
  await thread.started
  return thread
}

class EmbeddedThread implements EmbeddedServer {
  url = ''
  host = ''
  port = 0
  readonly started: Promise<void>
  readonly #worker: Worker
  readonly #listeners: ((error: FenbuError) => void)[] = []
  readonly #ended: Promise<void>
  #death: FenbuError | undefined
  #closing: Promise<void> | undefined

  constructor(options: ServerOptions) {
    this.#worker = new Worker(mainModule(), { workerData: options, name: 'fenbu server' })
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    this.started = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromEmbedded) => {
        if (message.type === 'ready') {
          Object.assign(this, { url: message.url, host: message.host, port: message.port })
          resolve()
        } else if (message.type === 'refused') reject(revived(message.error))
        else if (message.type === 'died') this.#die(revived(message.error))
      })
      this.#worker.on('error', (cause) => {
        const error = serverError('SERVER_DIED', `the embedded server failed: ${String(cause)}`, { cause })
        reject(error)
        this.#die(error)
      })
      this.#worker.on('exit', () => {
        const error = serverError('SERVER_DIED', 'the thread of the embedded server ended')
        reject(error)
        if (!this.#closing) this.#die(error)
      })
    })
  }

  onDeath(listener: (error: FenbuError) => void): void {
    if (this.#death) listener(this.#death)
    else this.#listeners.push(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#worker.postMessage('close')
    await this.#ended
  }

  #die(error: FenbuError): void {
    if (this.#death) return
    this.#death = error
    for (const listener of this.#listeners) listener(error)
  }
}

function revived({ code, outcome, message }: CrossedError): FenbuError {
  return new FenbuError(code, outcome, message)
}

/** Threads run compiled code, also where this file is run from its source. */
function mainModule(): URL {
  const compiled = import.meta.url.endsWith('.ts')
    ? '../../dist/server/embedded-server-main.js'
    : './embedded-server-main.js'
  return new URL(compiled, import.meta.url)
}
