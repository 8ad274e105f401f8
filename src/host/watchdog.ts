import type { HostErrorCode } from './errors.ts'

/** Checks are this coarse: a limit may be passed by a quarter. */
const CHECKS_PER_LIMIT = 4
/** How often input that keeps coming in after a limit was passed is waited for: enough for full kernel buffers. */
const GRACE_POLLS = 8

/** What the watchdog sees of a connection when it looks. */
export interface Vitals {
  readonly bytesReceived: number
  readonly framesReceived: number
  /** A frame was begun and its rest is missing. */
  readonly awaitingFrame: boolean
  /** This side does not read at the moment: the silence is its own. */
  readonly readingPaused: boolean
  readonly takenBytes: number
  readonly unsentBytes: number
}

const NOTHING_YET: Vitals = {
  bytesReceived: 0,
  framesReceived: 0,
  awaitingFrame: false,
  readingPaused: false,
  takenBytes: 0,
  unsentBytes: 0,
}

/** Milliseconds; 0 switches a limit off. */
export interface TimeLimits {
  readonly handshakeTimeoutMs: number
  readonly partialFrameTimeoutMs: number
  readonly unsentTimeoutMs: number
  readonly idleTimeoutMs: number
}

interface Limit {
  readonly code: HostErrorCode
  limitMs: number
  elapsedMs: number
  /** Whether nothing happened between two looks that the limit waits for. */
  readonly waits: (now: Vitals, before: Vitals) => boolean
}

/**
 * Time limits of one connection, with one timer. Only time in which this process ran counts, and no peer is judged
 * before a poll of the event loop has read what it sent: a process that was stopped or blocked first catches up.
 */
export class Watchdog {
  readonly #look: () => Vitals
  readonly #expired: (code: HostErrorCode, limitMs: number) => void
  readonly #quiet: () => void
  #limits: Limit[]
  #before: Vitals
  #lastCheckMs = 0
  #intervalMs = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `quiet` is called when nothing was received or sent between two looks. */
  constructor(
    limits: TimeLimits,
    look: () => Vitals,
    expired: (code: HostErrorCode, limitMs: number) => void,
    quiet: () => void = () => {},
  ) {
    this.#look = look
    this.#expired = expired
    this.#quiet = quiet
    this.#limits = limitsOf(limits)
    this.#before = look()
    this.#arm()
  }

  /** Watches nothing but that something is established, and the bytes received meanwhile. */
  static ofHandshake(limitMs: number, bytesReceived: () => number, expired: () => void): Watchdog {
    const limits = {
      handshakeTimeoutMs: limitMs,
      partialFrameTimeoutMs: 0,
      unsentTimeoutMs: 0,
      idleTimeoutMs: 0,
    }
    const look = (): Vitals => ({ ...NOTHING_YET, bytesReceived: bytesReceived() })
    return new Watchdog(limits, look, expired)
  }

  /** The handshake is over. */
  established(idleTimeoutMs?: number): void {
    this.#limits = this.#limits.filter((limit) => limit.code !== 'HOST_HANDSHAKE_TIMEOUT')
    const idle = this.#limits.find((limit) => limit.code === 'HOST_IDLE')
    if (idle && idleTimeoutMs !== undefined) idle.limitMs = idleTimeoutMs
    this.#arm()
  }

  /** The connection is ending: nothing is expected of the peer but that it takes what is left. */
  ending(): void {
    this.#limits = this.#limits.filter((limit) => limit.code === 'HOST_SLOW_READER')
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const limitsMs = this.#limits.map((limit) => limit.limitMs).filter((limitMs) => limitMs > 0)
    if (this.#stopped || limitsMs.length === 0) return
    this.#intervalMs = Math.max(1, Math.ceil(Math.min(...limitsMs) / CHECKS_PER_LIMIT))
    this.#lastCheckMs = performance.now()
    this.#timer = setTimeout(() => this.#check(), this.#intervalMs)
    this.#timer.unref()
  }

  #check(): void {
    const nowMs = performance.now()
    const passedMs = nowMs - this.#lastCheckMs
    this.#lastCheckMs = nowMs
    // Later than a whole interval: this process did not run, and what it missed is not the peer's silence.
    this.#observe(passedMs > 2 * this.#intervalMs ? this.#intervalMs : passedMs)
    if (this.#overdue() === undefined) this.#timer?.refresh()
    else setImmediate(() => this.#judge(GRACE_POLLS))
  }

  /** After a poll: input that was waiting has been read by now. */
  #judge(pollsLeft: number): void {
    if (this.#stopped) return
    const received = this.#before.bytesReceived
    this.#observe(0)
    const overdue = this.#overdue()
    if (overdue === undefined) this.#arm()
    else if (this.#before.bytesReceived !== received && pollsLeft > 0)
      setImmediate(() => this.#judge(pollsLeft - 1))
    else this.#expired(overdue.code, overdue.limitMs)
  }

  #observe(passedMs: number): void {
    const now = this.#look()
    const before = this.#before
    for (const limit of this.#limits)
      limit.elapsedMs = limit.waits(now, before) ? limit.elapsedMs + passedMs : 0
    this.#before = now
    if (now.bytesReceived === before.bytesReceived && now.takenBytes === before.takenBytes) this.#quiet()
  }

  #overdue(): Limit | undefined {
    return this.#limits.find((limit) => limit.limitMs > 0 && limit.elapsedMs >= limit.limitMs)
  }
}

/** Says in an error what a peer did not do. */
export function describeExpiry(code: HostErrorCode, limitMs: number): string {
  if (code === 'HOST_HANDSHAKE_TIMEOUT') return `no handshake within ${limitMs} ms`
  if (code === 'HOST_FRAME_STALLED') return `a frame was begun and not completed within ${limitMs} ms`
  if (code === 'HOST_SLOW_READER') return `took nothing of what it was sent for ${limitMs} ms`
  return `nothing received for ${limitMs} ms`
}

function limitsOf(limits: TimeLimits): Limit[] {
  const limit = (code: HostErrorCode, limitMs: number, waits: Limit['waits']): Limit => ({
    code,
    limitMs,
    elapsedMs: 0,
    waits,
  })
  return [
    limit('HOST_HANDSHAKE_TIMEOUT', limits.handshakeTimeoutMs, () => true),
    limit(
      'HOST_FRAME_STALLED',
      limits.partialFrameTimeoutMs,
      (now, before) =>
        now.awaitingFrame && now.framesReceived === before.framesReceived && !now.readingPaused,
    ),
    limit(
      'HOST_SLOW_READER',
      limits.unsentTimeoutMs,
      (now, before) => now.unsentBytes > 0 && now.takenBytes === before.takenBytes,
    ),
    limit(
      'HOST_IDLE',
      limits.idleTimeoutMs,
      (now, before) => now.bytesReceived === before.bytesReceived && !now.readingPaused,
    ),
  ]
}
