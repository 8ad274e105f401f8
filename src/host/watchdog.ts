import type { FenbuError } from '../base/index.ts'
import type { ResolvedConnectionOptions } from './connection-options.ts'
import { hostError } from './errors.ts'

/** Checks are this coarse: a limit may be passed by one interval. */
const CHECKS_PER_LIMIT = 4

/**
 * Time limits of one connection, with one timer. It judges by time stamps and never trusts a single late firing:
 * a process that was busy or stopped first reads what has arrived meanwhile, then judges its peers.
 */
export class Watchdog {
  readonly #options: ResolvedConnectionOptions
  readonly #statistics: { readonly lastReceivedMs: number }
  readonly #expired: (error: FenbuError) => void
  readonly #startedMs: number = performance.now()
  #idleTimeoutMs: number
  #partialSinceMs: number | undefined
  #established = false
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0

  constructor(
    options: ResolvedConnectionOptions,
    statistics: { readonly lastReceivedMs: number },
    expired: (error: FenbuError) => void,
  ) {
    this.#options = options
    this.#statistics = statistics
    this.#expired = expired
    this.#idleTimeoutMs = options.idleTimeoutMs
    this.#arm()
  }

  established(idleTimeoutMs?: number): void {
    this.#established = true
    if (idleTimeoutMs !== undefined) this.#idleTimeoutMs = idleTimeoutMs
    this.#arm()
  }

  partialFrame(present: boolean): void {
    if (!present) this.#partialSinceMs = undefined
    else if (this.#partialSinceMs === undefined) {
      this.#partialSinceMs = performance.now()
      this.#arm()
    }
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
  }

  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer)
    const interval = this.#intervalMs()
    if (interval === undefined) return
    this.#dueMs = performance.now() + interval
    this.#timer = setTimeout(() => this.#check(interval), interval)
    this.#timer.unref()
  }

  #intervalMs(): number | undefined {
    const limits: number[] = []
    if (!this.#established) limits.push(this.#options.handshakeTimeoutMs)
    if (this.#idleTimeoutMs > 0) limits.push(this.#idleTimeoutMs)
    if (this.#partialSinceMs !== undefined) limits.push(this.#options.partialFrameTimeoutMs)
    return limits.length === 0 ? undefined : Math.max(1, Math.ceil(Math.min(...limits) / CHECKS_PER_LIMIT))
  }

  #check(interval: number): void {
    const late = performance.now() - this.#dueMs > interval
    // This process was late itself: what the peer sent meanwhile is still unread.
    if (late) {
      this.#arm()
      return
    }
    const error = this.#judge(performance.now())
    if (error) this.#expired(error)
    else this.#arm()
  }

  #judge(nowMs: number): FenbuError | undefined {
    const { handshakeTimeoutMs, partialFrameTimeoutMs } = this.#options
    if (!this.#established && nowMs - this.#startedMs >= handshakeTimeoutMs)
      return hostError('HOST_HANDSHAKE_TIMEOUT', `no handshake within ${handshakeTimeoutMs} ms`)
    if (this.#partialSinceMs !== undefined && nowMs - this.#partialSinceMs >= partialFrameTimeoutMs)
      return hostError(
        'HOST_FRAME_STALLED',
        `a frame was begun and not completed within ${partialFrameTimeoutMs} ms`,
      )
    if (this.#idleTimeoutMs > 0 && nowMs - this.#statistics.lastReceivedMs >= this.#idleTimeoutMs)
      return hostError('HOST_IDLE', `nothing received for ${this.#idleTimeoutMs} ms`)
    return undefined
  }
}
