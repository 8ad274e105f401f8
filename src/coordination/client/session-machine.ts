/** What an application is told about its session. */
export type ClientState = 'connecting' | 'connected' | 'suspended' | 'lost' | 'closed'

/** What must be shown to a server to go on with a session. */
export interface SessionIdentity {
  readonly id: bigint
  readonly password: Uint8Array
  readonly timeoutMs: number
}

/** What the session wants done; each is called at the moment at which it must take effect. */
export interface SessionOutput {
  /** Open a connection to the next host; answer with `opened` or `disconnected`. */
  dial(): void
  /** Send the first packet; answer with `accepted`, `refused` or `disconnected`. `undefined` asks for a new session. */
  handshake(session: SessionIdentity | undefined): void
  ping(): void
  /** Send a closeSession; answer with `sessionClosed`. */
  closeSession(): void
  /** Give the connection up at once; there will be no `disconnected` for it. */
  hangUp(reason: string): void
  /** Requests may be sent. `fresh`: it is a new session, with nothing of the former one. */
  established(fresh: boolean): void
  state(state: ClientState): void
}

export interface SessionConfig {
  /** Time for one host to accept a connection and answer the handshake, ms. */
  readonly attemptTimeoutMs: number
  /** Time for the last requests and the closeSession to be answered, ms. */
  readonly closeTimeoutMs: number
  /** Pause before the next attempt after `failures` failed ones in a row, ms, with its jitter. */
  retryDelayMs(failures: number): number
}

type Phase = 'idle' | 'waiting' | 'dialing' | 'handshaking' | 'burying' | 'connected' | 'closing' | 'closed'

/** Checks of a live connection per session timeout: the lateness they add to a judgement. */
const CHECKS_PER_TIMEOUT = 12

/**
 * A client's session as a state machine without a clock, a socket or randomness: every method takes the monotonic
 * time at which it is called.
 *
 * The session is a lease. A server counts it from the last packet it received, which cannot be earlier than the
 * moment at which the last *answered* packet was sent; so this side calls it lost one timeout after that moment,
 * and never later than the server. A session once called lost is never used again: if a server still knows it,
 * it is closed there first, so that its ephemeral nodes go at once.
 *
 * `tick` must be called after the input that was pending has been handed in: whoever was late reads first, then judges.
 */
export class SessionMachine {
  readonly #config: SessionConfig
  #phase: Phase = 'idle'
  #state: ClientState = 'connecting'
  #session: SessionIdentity | undefined
  #lost = false
  #count = 0
  #failures = 0
  #leaseEndsMs = 0
  #handshakeSentMs = 0
  #lastSentMs = 0
  #lastReceivedMs = 0
  #phaseEndsMs = 0

  constructor(config: SessionConfig) {
    this.#config = config
  }

  get state(): ClientState {
    return this.#state
  }

  get connected(): boolean {
    return this.#phase === 'connected'
  }

  /** The session in force, if it was not called lost. */
  get session(): SessionIdentity | undefined {
    return this.#lost ? undefined : this.#session
  }

  /** Sessions so far. */
  get count(): number {
    return this.#count
  }

  start(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'idle') this.#dial(nowMs, out)
  }

  opened(nowMs: number, out: SessionOutput): void {
    this.#phase = 'handshaking'
    this.#handshakeSentMs = nowMs
    out.handshake(this.#session)
  }

  accepted(nowMs: number, session: SessionIdentity, out: SessionOutput): void {
    const former = this.#session
    if (this.#lost && former?.id === session.id) {
      this.#phase = 'burying'
      out.closeSession()
      return
    }
    const fresh = former === undefined || former.id !== session.id
    if (fresh && former !== undefined) this.#lose(out)
    if (fresh) this.#count++
    this.#session = session
    this.#lost = false
    this.#failures = 0
    this.#leaseEndsMs = this.#handshakeSentMs + session.timeoutMs
    this.#lastSentMs = nowMs
    this.#lastReceivedMs = nowMs
    this.#phase = 'connected'
    out.established(fresh)
    this.#enter('connected', out)
  }

  /** The server does not know the session, or not with this password. */
  refused(nowMs: number, out: SessionOutput): void {
    const known = this.#session !== undefined
    if (known) this.#lose(out)
    this.#session = undefined
    this.#lost = false
    out.hangUp('the server refused the session')
    if (known) this.#dial(nowMs, out)
    else this.#retry(nowMs)
  }

  /** Something was sent. */
  sent(nowMs: number): void {
    this.#lastSentMs = nowMs
  }

  /** Anything arrived. */
  received(nowMs: number): void {
    this.#lastReceivedMs = nowMs
  }

  /** The server answered a packet that was sent at `sentMs`, and so held the session then. */
  acknowledged(sentMs: number): void {
    const timeoutMs = this.#session?.timeoutMs ?? 0
    this.#leaseEndsMs = Math.max(this.#leaseEndsMs, sentMs + timeoutMs)
  }

  /** The closeSession was answered. */
  sessionClosed(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'closing') {
      out.hangUp('closed')
      this.#end(out)
    } else if (this.#phase === 'burying') {
      this.#session = undefined
      this.#lost = false
      out.hangUp('the lost session is closed')
      this.#dial(nowMs, out)
    }
  }

  /** The connection ended, or could not be opened. */
  disconnected(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'closing') this.#end(out)
    else if (this.#phase !== 'closed') this.#suspend(nowMs, out)
  }

  close(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'closed' || this.#phase === 'closing') return
    if (this.#phase === 'connected') {
      this.#phase = 'closing'
      this.#phaseEndsMs = nowMs + this.#config.closeTimeoutMs
      out.closeSession()
    } else {
      out.hangUp('closed')
      this.#end(out)
    }
  }

  /**
   * Judges what time has done. `oldestUnansweredMs` is when the oldest packet without an answer was sent: silence
   * counts only while something was asked and the server had time to answer it.
   */
  tick(nowMs: number, oldestUnansweredMs: number | undefined, out: SessionOutput): void {
    if (this.#phase === 'closed' || this.#phase === 'idle') return
    if (this.#phase === 'closing') {
      if (nowMs < this.#phaseEndsMs) return
      out.hangUp('the server did not answer closeSession in time')
      this.#end(out)
      return
    }
    this.#judgeLease(nowMs, out)
    if (this.#phase === 'connected') this.#judgeSilence(nowMs, oldestUnansweredMs, out)
    else if (nowMs >= this.#phaseEndsMs) this.#phaseOver(nowMs, out)
  }

  /** When `tick` is next due; undefined when there is nothing to wait for. */
  wakeAtMs(nowMs: number): number | undefined {
    if (this.#phase === 'closed' || this.#phase === 'idle') return undefined
    const timeoutMs = this.session?.timeoutMs
    const next = this.#phase === 'connected' ? nowMs + timeoutMs! / CHECKS_PER_TIMEOUT : this.#phaseEndsMs
    return timeoutMs === undefined || this.#phase === 'closing' ? next : Math.min(next, this.#leaseEndsMs)
  }

  #judgeLease(nowMs: number, out: SessionOutput): void {
    if (this.session === undefined || nowMs < this.#leaseEndsMs) return
    const wasConnected = this.#phase === 'connected'
    if (wasConnected) out.hangUp('the session timeout passed without an answer')
    this.#lose(out)
    if (wasConnected) this.#dial(nowMs, out)
  }

  #judgeSilence(nowMs: number, oldestUnansweredMs: number | undefined, out: SessionOutput): void {
    const thirdMs = this.#session!.timeoutMs / 3
    const asked = oldestUnansweredMs !== undefined && nowMs - oldestUnansweredMs >= thirdMs
    if (asked && nowMs - this.#lastReceivedMs >= 2 * thirdMs) {
      out.hangUp('the server is silent')
      this.#suspend(nowMs, out)
    } else if (nowMs - this.#lastSentMs >= thirdMs) out.ping()
  }

  #phaseOver(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'waiting') this.#dial(nowMs, out)
    else {
      out.hangUp('the server did not answer in time')
      this.#retry(nowMs)
    }
  }

  #suspend(nowMs: number, out: SessionOutput): void {
    if (this.#phase === 'connected') this.#enter('suspended', out)
    this.#retry(nowMs)
  }

  #retry(nowMs: number): void {
    this.#phase = 'waiting'
    this.#phaseEndsMs = nowMs + this.#config.retryDelayMs(this.#failures)
    this.#failures++
  }

  #dial(nowMs: number, out: SessionOutput): void {
    this.#phase = 'dialing'
    this.#phaseEndsMs = nowMs + this.#config.attemptTimeoutMs
    out.dial()
  }

  #lose(out: SessionOutput): void {
    if (this.#lost) return
    this.#lost = true
    this.#enter('lost', out)
  }

  #end(out: SessionOutput): void {
    this.#phase = 'closed'
    this.#enter('closed', out)
  }

  #enter(state: ClientState, out: SessionOutput): void {
    if (this.#state === state) return
    this.#state = state
    out.state(state)
  }
}
