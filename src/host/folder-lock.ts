import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { fileError } from '../base/index.ts'

// Node has no flock, so a claim is a file `lock.<number>` that names its process. The highest number counts. It
// is made by hard-linking a complete temporary file, which fails if the number is taken: of several processes
// that find the same dead holder exactly one gets the next number. The highest file is never removed, not even on
// release: the number only goes up, so a slow reader of an old list cannot claim a number twice.

const NAME = /^lock\.(\d{1,15})$/
const UNFINISHED = /^lock\..*\.new$/
const RELEASED = 'released'

/** Claims a folder for this process; throws `FILE_LOCKED` while a living process holds it. Returns the claim. */
export function claimFolder(folder: string): string {
  const highest = highestNumber(folder)
  if (highest > 0) refuseIfHeld(folder, join(folder, `lock.${highest}`))
  const claim = join(folder, `lock.${highest + 1}`)
  const complete = join(folder, `lock.${process.pid}.${threadId}.new`)
  writeFileSync(complete, identityOf(process.pid))
  try {
    linkSync(complete, claim)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error
    throw fileError(
      'FILE_LOCKED',
      `${folder} was claimed by another process at this moment; use another folder`,
    )
  } finally {
    rmSync(complete, { force: true })
  }
  removeOld(folder, highest + 1)
  return claim
}

export function releaseFolder(claim: string): void {
  writeFileSync(claim, RELEASED)
}

function refuseIfHeld(folder: string, claim: string): void {
  const holder = readFileSync(claim, 'utf8')
  const pid = Number.parseInt(holder, 10)
  if (holder === RELEASED || !Number.isSafeInteger(pid) || pid < 1) return
  if (!isAlive(pid) || identityOf(pid) !== holder) return
  throw fileError(
    'FILE_LOCKED',
    `${folder} is in use by process ${pid} (${claim}); stop that process or use another folder`,
  )
}

/** The process, told apart from a later one with the same number where the system says when it started. */
function identityOf(pid: number): string {
  if (process.platform !== 'linux') return `${pid}`
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${pid} ${boot} ${statOf(`/proc/${pid}/stat`)[19]}`
  } catch {
    return `${pid}`
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return !isDefunct(pid)
}

/**
 * A dead process whose parent has not noticed can still be signalled. It is dead only when all of its threads are:
 * one of them may be finishing a write to this folder.
 */
function isDefunct(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.every((thread) => /^[ZX]/.test(statOf(`/proc/${pid}/task/${thread}/stat`)[0] ?? ''))
  } catch {
    return false
  }
}

/** The fields after the name, which stands in brackets and may hold anything: state first, start time 20th. */
function statOf(path: string): readonly string[] {
  return readFileSync(path, 'latin1').split(') ').at(-1)?.split(' ') ?? []
}

function numberOf(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0)
}

function highestNumber(folder: string): number {
  return Math.max(0, ...readdirSync(folder).map(numberOf))
}

/** Lower numbers, and what processes left that died while claiming; one that still tries finds its file gone. */
function removeOld(folder: string, number: number): void {
  for (const name of readdirSync(folder))
    if (UNFINISHED.test(name) || (NAME.test(name) && numberOf(name) < number))
      rmSync(join(folder, name), { force: true })
}
