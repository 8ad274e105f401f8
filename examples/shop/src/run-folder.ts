import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a run leaves for the audit and for tests: `.fenbu/shop/<run>/run.json`. */
export interface RunRecord {
  readonly run: string
  /** URL of the books with the run's chroot, as this run reached it. */
  readonly url: string
  /** True if the coordinator is a fenbu server of the run, on the folder `data` beside this record. */
  readonly ownServer: boolean
  /** Of the supervisor. */
  readonly pid: number
  readonly startedMs: number
}

/** Runs that are kept; the oldest ones go when a new one starts. */
const RUNS_KEPT = 5

/** The files of one run, below the folder where the command is given. */
export class RunFolder {
  readonly run: string
  readonly path: string

  constructor(run: string) {
    this.run = run
    this.path = join(HOME, run)
  }

  /** The fenbu server's data. */
  get data(): string {
    return join(this.path, 'data')
  }

  /** The registry's cache files. */
  get cache(): string {
    return join(this.path, 'cache')
  }

  /** The client's list of accepted orders. */
  get accepted(): string {
    return join(this.path, 'accepted.jsonl')
  }

  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true })
  }

  async write(record: RunRecord): Promise<void> {
    const path = join(this.path, RECORD)
    await writeFile(`${path}.new`, `${JSON.stringify(record, undefined, 2)}\n`)
    await rename(`${path}.new`, path)
  }

  async read(): Promise<RunRecord | undefined> {
    const text = await readFile(join(this.path, RECORD), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as RunRecord)
  }
}

const HOME = join('.fenbu', 'shop')
const RECORD = 'run.json'

/** Each run has a chroot of its own, so that the runs on one coordinator do not see each other. */
export function urlOfRun(engines: string, run: string): string {
  return `${engines.replace(/\/$/, '')}/fenbu-shop/${run}`
}

/** All runs, the newest first. */
export async function listRuns(): Promise<readonly RunRecord[]> {
  const names = await readdir(HOME).catch(() => [])
  const records = await Promise.all(names.map((name) => new RunFolder(name).read()))
  return records.filter((record) => record !== undefined).sort((a, b) => b.startedMs - a.startedMs)
}

/** Deletes the files of old runs whose supervisor is gone. */
export async function forgetOldRuns(): Promise<void> {
  for (const record of (await listRuns()).slice(RUNS_KEPT - 1)) {
    if (!isAlive(record.pid)) await rm(new RunFolder(record.run).path, { recursive: true, force: true })
  }
}

/** Whether a process with that id exists now. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
