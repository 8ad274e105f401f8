import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type FenbuError, type FileErrorCode, fileError } from '../base/index.ts'
import { type ClaimHolder, isLiving, thisHolder } from './claim-holder.ts'

// Node has no flock, so a claim is a file `lock.<number>` that names its process. The highest number counts. It
// is made by hard-linking a complete temporary file, which fails if the number is taken: of several processes
// that find the same dead holder exactly one gets the next number. The highest file is never removed, not even on
// release: the number only goes up, so a slow reader of an old list cannot claim a number twice.
//
// A holder that can be seen from here (same boot, same PID namespace) is judged at once by its number and start.
// Any other one, in another container or on another machine that shares the disk, is judged by its heart: it
// rewrites its claim every second, and whoever wants the folder watches the claim for CLAIM_GRACE_MS first. A holder
// that was stopped for longer than that finds its claim gone before it writes again, and its disk thread ends.

/** How long a claim of a holder that cannot be seen stays unchanged before it counts as dead. */
export const CLAIM_GRACE_MS = 5000
const BEAT_MS = 1000
/** Writes that are to be durable look after the claim themselves when the last heartbeat is older. */
const BEAT_LATE_MS = 2 * BEAT_MS

const NAME = /^lock\.(\d{1,15})$/
const UNFINISHED = /^lock\..*\.new$/
const RELEASED = 'released'
const BEAT_DIGITS = 15

/** The claims of this thread: whom each names, and how often it was rewritten. */
const held = new Map<string, { readonly holder: ClaimHolder; beats: number }>()
let beating: NodeJS.Timeout | undefined
let lastBeatMs = 0

/** A claim whose holder may live or not; whoever watches it passes it in again, `isOver` after the grace. */
export interface WatchedClaim {
  readonly content: string
  readonly isOver: boolean
}

/**
 * Claims a folder for this process and returns the claim's path, or the content of a claim that must be watched.
 * Throws `FILE_LOCKED` while a living process holds it.
 */
export function claimFolder(folder: string, watched?: WatchedClaim): string | WatchedClaim {
  const highest = highestNumber(folder)
  if (highest > 0) {
    const doubt = judge(folder, join(folder, nameOf(highest)), watched)
    if (doubt) return doubt
  }
  const claim = join(folder, nameOf(highest + 1))
  const complete = join(folder, `lock.${randomUUID()}.new`)
  const holder = thisHolder()
  writeFileSync(complete, contentOf(holder, 0))
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
  hold(claim, holder)
  return claim
}

export function releaseFolder(claim: string): void {
  const own = held.get(claim)
  held.delete(claim)
  if (held.size === 0) clearInterval(beating)
  if (own && !isLost(claim)) overwrite(claim, RELEASED.padEnd(contentOf(own.holder, 0).length))
}

/** Throws `FILE_LOCKED` if this process was stopped for so long that another one has taken a folder of this thread. */
export function confirmClaims(): void {
  if (held.size > 0 && Math.abs(Date.now() - lastBeatMs) > BEAT_LATE_MS) beat()
}

function hold(claim: string, holder: ClaimHolder): void {
  if (held.size === 0) beating = setInterval(beat, BEAT_MS).unref()
  held.set(claim, { holder, beats: 0 })
  lastBeatMs = Date.now()
}

/** What it throws in its own turn ends the thread: nothing is written any more to what is not ours. */
function beat(): void {
  for (const [claim, own] of held) {
    if (isLost(claim)) throw lost(claim)
    overwrite(claim, contentOf(own.holder, ++own.beats))
    if (isLost(claim)) throw lost(claim)
  }
  lastBeatMs = Date.now()
}

function isLost(claim: string): boolean {
  const next = join(dirname(claim), nameOf(numberOf(basename(claim)) + 1))
  return !existsSync(claim) || existsSync(next)
}

function lost(claim: string): FenbuError<FileErrorCode> {
  const folder = dirname(claim)
  return fileError(
    'FILE_LOCKED',
    `${folder} was taken over by another process: this one was stopped for over ${CLAIM_GRACE_MS} ms`,
  )
}

/** In place and of the same length: whoever reads it meanwhile finds a claim. */
function overwrite(claim: string, content: string): void {
  const descriptor = openSync(claim, 'r+')
  try {
    writeSync(descriptor, content, 0)
  } finally {
    closeSync(descriptor)
  }
}

function judge(folder: string, claim: string, watched: WatchedClaim | undefined): WatchedClaim | undefined {
  const content = readFileSync(claim, 'utf8')
  if (content.startsWith(RELEASED)) return undefined
  const holder = holderIn(content)
  const isAlive = holder && isLiving(holder)
  if (isAlive === false) return undefined
  if (isAlive === undefined && watched === undefined) return { content, isOver: false }
  if (isAlive === undefined && watched?.content === content) return watched.isOver ? undefined : watched
  throw fileError(
    'FILE_LOCKED',
    `${folder} is in use by process ${holder?.pid} on ${holder?.machine.split(' ')[0]} (${claim}); ` +
      'stop that process or use another folder',
  )
}

/** All of one holder have the same length. */
function contentOf(holder: ClaimHolder, beats: number): string {
  return JSON.stringify({ ...holder, beat: String(beats).padStart(BEAT_DIGITS, '0') })
}

/** Undefined if the file is not a claim; a power cut may have left it so. */
function holderIn(content: string): ClaimHolder | undefined {
  try {
    const { pid, start, boot, namespace, machine } = JSON.parse(content) as Record<string, unknown>
    if (!Number.isSafeInteger(pid) || (pid as number) < 1) return undefined
    return {
      pid: pid as number,
      start: `${start}`,
      boot: `${boot}`,
      namespace: `${namespace}`,
      machine: `${machine}`,
    }
  } catch {
    return undefined
  }
}

function nameOf(number: number): string {
  return `lock.${number}`
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
