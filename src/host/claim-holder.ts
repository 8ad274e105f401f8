import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process as a claim names it. What the system does not say is empty. */
export interface ClaimHolder {
  readonly pid: number
  /** When it started, in ticks since the boot: a later process with its number has another one. */
  readonly start: string
  readonly boot: string
  /** The PID namespace: process numbers of two containers mean nothing to each other. */
  readonly namespace: string
  /** Host name and machine id. */
  readonly machine: string
}

/** The namespace of processes that are in no container; the kernel gives it this number at every boot. */
const OUTERMOST_NAMESPACE = 'pid:[4026531836]'

export function thisHolder(): ClaimHolder {
  return {
    pid: process.pid,
    start: startOf(process.pid) ?? '',
    boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    namespace: textOf(() => readlinkSync('/proc/self/ns/pid')),
    machine: `${hostname()} ${textOf(() => readFileSync('/etc/machine-id', 'latin1'))}`,
  }
}

/** Whether the holder lives, from what the system says of it; undefined if it cannot be known from here. */
export function isLiving(holder: ClaimHolder, here: ClaimHolder = thisHolder()): boolean | undefined {
  if (!isVisible(holder, here)) return wasBeforeBoot(holder, here) ? false : undefined
  if (!isAlive(holder.pid)) return false
  if (holder.start === '') return true
  const start = startOf(holder.pid)
  return start === undefined ? undefined : start === holder.start
}

/** Process numbers mean the same to both. */
function isVisible(holder: ClaimHolder, here: ClaimHolder): boolean {
  if (holder.boot !== here.boot || holder.namespace !== here.namespace) return false
  return here.boot !== '' || holder.machine === here.machine
}

/** Both outside of containers, where a machine's id is its own, and this machine was started anew since. */
function wasBeforeBoot(holder: ClaimHolder, here: ClaimHolder): boolean {
  const isOutermost = [holder, here].every(({ namespace }) => namespace === OUTERMOST_NAMESPACE)
  const hasId = !here.machine.endsWith(' ')
  return isOutermost && hasId && holder.machine === here.machine && holder.boot !== here.boot
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

function startOf(pid: number): string | undefined {
  try {
    return statOf(`/proc/${pid}/stat`)[19]
  } catch {
    return undefined
  }
}

/** The fields after the name, which stands in brackets and may hold anything: state first, start time 20th. */
function statOf(path: string): readonly string[] {
  return readFileSync(path, 'latin1').split(') ').at(-1)?.split(' ') ?? []
}

function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}
