import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const DIST = resolve('examples/shop/dist')

/** A folder that a shop runs in: its data and lists are in `.fenbu/shop` below. */
export async function shopFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'fenbu-shop-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** How a program ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program of the shop that runs; everything it prints is kept. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''
  readonly #listeners = new Set<() => void>()

  constructor(
    program: string,
    args: readonly string[],
    cwd: string,
    options: { readonly ipc?: boolean } = {},
  ) {
    this.child = spawn(process.execPath, [join(DIST, program), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: options.ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#changed()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
        this.#changed()
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves with the first match in what was printed; rejects when the program ends without one. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.#stdout)
        if (!match && this.running) return
        this.#listeners.delete(look)
        if (match) resolve(match)
        else reject(new Error(`ended without printing ${pattern}:\n${this.#stdout}\n${this.#stderr}`))
      }
      this.#listeners.add(look)
      look()
    })
  }

  /** Ctrl-C. */
  interrupt(): Promise<Ended> {
    this.child.kill('SIGINT')
    return this.ended
  }

  async kill(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL')
    await this.ended
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** Runs the shop as `npm start` does. */
export function runShop(cwd: string, ...args: readonly string[]): Program {
  return new Program('main.js', ['--port', '0', ...args], cwd)
}

/** Recounts the latest run as `npm run shop:audit` does. */
export function audit(cwd: string, ...args: readonly string[]): Promise<Ended> {
  return new Program('audit.js', ['--json', ...args], cwd).ended
}

/** What a run with `--orders` prints at the end. */
export interface Summary {
  readonly orders: number
  readonly accepted: number
  readonly retried: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly byInstance: Readonly<Record<string, number>>
  readonly killed: readonly number[]
  readonly engines: unknown
}

/** The last line that was printed, which is for programs. */
export function lastLine(ended: Ended): Summary {
  return JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '') as Summary
}

/** All process ids that the shop printed. */
export function printedPids(stdout: string): readonly number[] {
  return [...stdout.matchAll(/\bpid (\d+)/g)].map((match) => Number(match[1]))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** One process of the shop on its own, with this test as its supervisor. */
export class Role {
  /** As the process said when it was up. */
  readonly url: string
  readonly #program: Program

  private constructor(program: Program, url: string) {
    this.#program = program
    this.url = url
  }

  /** Resolves when it is up. */
  static async open(program: string, args: readonly string[], cwd: string): Promise<Role> {
    const running = new Program(program, args, cwd, { ipc: true })
    const url = await new Promise<string>((resolve, reject) => {
      running.child.on('message', (message: { type: string; ready: { url: string } }) => {
        if (message.type === 'ready') resolve(message.ready.url)
      })
      void running.ended.then(({ stdout, stderr }) =>
        reject(new Error(`${program} ended: ${stdout}${stderr}`)),
      )
    })
    return new Role(running, url)
  }

  /** Of the URL. */
  get port(): string {
    return new URL(this.url.replace(/^[\w+]+:/, 'http:')).port
  }

  signal(name: NodeJS.Signals): void {
    this.#program.child.kill(name)
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }

  async drain(): Promise<void> {
    this.#program.child.send({ type: 'drain' })
    await this.#program.ended
  }
}
