import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Journey } from './journey.ts'
import type { FromRole, Ready, ToRole } from './role.ts'

export interface SupervisedOptions {
  /** Shown before each of its lines. */
  readonly name: string
  /** File name of the program, beside this one. */
  readonly program: string
  /** Of the next start; what it said when it was up before lets a server keep its port. */
  readonly args: (before: Ready | undefined) => readonly string[]
  readonly log: (name: string, line: string) => void
  /** Told each time it is up. */
  readonly came: (name: string, pid: number, ready: Ready) => void
  /** Told when it ended without being asked to, before it is started again. */
  readonly died: (death: Death) => void
}

export interface Death {
  readonly name: string
  readonly pid: number
  readonly signal: NodeJS.Signals | null
  readonly exitCode: number | null
}

/**
 * A program that is started again whenever it dies, until it is drained or cannot be started at all. It never
 * outlives this process: its IPC channel closes with us, and it ends with the channel (see role.ts).
 */
export class SupervisedProcess {
  /** Resolves when it is up for the first time; rejects when it cannot be started. */
  readonly up: Promise<Ready>
  readonly #options: SupervisedOptions
  #child: ChildProcess
  #ready: Ready | undefined
  #before: Ready | undefined
  #draining = false
  #failedStarts = 0
  #resolveUp: (ready: Ready) => void = () => undefined
  #rejectUp: (error: Error) => void = () => undefined

  constructor(options: SupervisedOptions) {
    this.#options = options
    this.up = new Promise((resolve, reject) => {
      this.#resolveUp = resolve
      this.#rejectUp = reject
    })
    this.up.catch(() => undefined)
    this.#child = this.#start()
  }

  get name(): string {
    return this.#options.name
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What it said when it came up; undefined while it is down. */
  get ready(): Ready | undefined {
    return this.#ready
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The calls that its present incarnation made for a request. */
  async journeys(requestId: string): Promise<readonly Journey[]> {
    const child = this.#child
    const answered = new Promise<readonly Journey[]>((resolve) => {
      child.on('message', function listen(message: FromRole) {
        if (message.type !== 'journeys' || message.requestId !== requestId) return
        child.off('message', listen)
        resolve(message.journeys)
      })
    })
    this.#send({ type: 'journeys', requestId })
    return Promise.race([answered, pause(ANSWER_MS_MAX, [], { ref: false })])
  }

  /** Lets it finish what it has; kills it if that takes longer than `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const child = this.#child
    const alreadyEnded = this.#draining || child.exitCode !== null || child.signalCode !== null
    this.#draining = true
    if (alreadyEnded) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    this.#send({ type: 'drain' })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    await ended
    clearTimeout(timer)
  }

  #send(message: ToRole): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #start(): ChildProcess {
    const { name, program, args, log } = this.#options
    const path = fileURLToPath(new URL(program, import.meta.url))
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', path, '--name', name, ...args(this.#before)],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => log(name, line))
    }
    child.on('message', (message: FromRole) => {
      if (message.type === 'ready') this.#came(message.ready)
    })
    child.once('close', (exitCode, signal) => this.#went({ name, pid: child.pid ?? 0, exitCode, signal }))
    return child
  }

  #came(ready: Ready): void {
    this.#ready = ready
    this.#before = ready
    this.#failedStarts = 0
    this.#options.came(this.name, this.pid, ready)
    this.#resolveUp(ready)
  }

  #went(death: Death): void {
    const wasUp = this.#ready !== undefined
    this.#ready = undefined
    if (this.#draining) return
    if (!wasUp) this.#failedStarts++
    this.#options.died(death)
    if (this.#failedStarts >= FAILED_STARTS_MAX) {
      this.#draining = true
      this.#rejectUp(new Error(`${death.name} could not be started; its last lines above say why`))
    } else {
      this.#child = this.#start()
    }
  }
}

/** In a row; a program that was up once is always started again. */
const FAILED_STARTS_MAX = 3

/** Of a process that was asked for its journeys; a frozen one has none to tell. */
const ANSWER_MS_MAX = 1_000
