import { beforeEach, describe, expect, it } from 'vitest'
import {
  type SessionIdentity,
  SessionMachine,
  type SessionOutput,
} from '../../src/coordination/client/session-machine.ts'

const TIMEOUT_MS = 9_000
const first: SessionIdentity = { id: 1n, password: new Uint8Array(16), timeoutMs: TIMEOUT_MS }
const second: SessionIdentity = { id: 2n, password: new Uint8Array(16), timeoutMs: TIMEOUT_MS }

let told: string[]
let machine: SessionMachine
const out: SessionOutput = {
  dial: () => told.push('dial'),
  handshake: (session) => told.push(`handshake ${session?.id ?? 'new'}`),
  ping: () => told.push('ping'),
  closeSession: () => told.push('close-session'),
  hangUp: () => told.push('hang-up'),
  established: (fresh) => told.push(fresh ? 'fresh' : 'resumed'),
  state: (state) => told.push(state),
}

/** What was told since the last time. */
function since(): string[] {
  return told.splice(0)
}

/** Ticks whenever the machine asks for it, up to a moment; a connected server that answers nothing. */
function passUntil(untilMs: number, fromMs: number, oldestUnansweredMs?: number): void {
  let nowMs = fromMs
  for (;;) {
    const wakeMs = machine.wakeAtMs(nowMs)
    if (wakeMs === undefined || wakeMs > untilMs) return
    nowMs = Math.max(wakeMs, nowMs)
    machine.tick(nowMs, oldestUnansweredMs, out)
  }
}

function connectAt(nowMs: number, session: SessionIdentity): void {
  machine.opened(nowMs, out)
  machine.accepted(nowMs, session, out)
}

beforeEach(() => {
  told = []
  machine = new SessionMachine({ attemptTimeoutMs: 3_000, closeTimeoutMs: 2_000, retryDelayMs: () => 100 })
  machine.start(0, out)
  expect(since()).toEqual(['dial'])
})

describe('the session of a client', () => {
  it('is new on the first connection', () => {
    connectAt(10, first)
    expect(since()).toEqual(['handshake new', 'fresh', 'connected'])
    expect(machine.session).toBe(first)
    expect(machine.count).toBe(1)
  })

  it('tries again after a pause when no connection can be made', () => {
    machine.disconnected(5, out)
    expect(machine.wakeAtMs(5)).toBe(105)
    machine.tick(104, undefined, out)
    expect(since()).toEqual([])
    machine.tick(105, undefined, out)
    expect(since()).toEqual(['dial'])
    expect(machine.state).toBe('connecting')
  })

  it('gives an attempt up that takes too long', () => {
    machine.opened(10, out)
    since()
    machine.tick(2_999, undefined, out)
    expect(since()).toEqual([])
    machine.tick(3_000, undefined, out)
    expect(since()).toEqual(['hang-up'])
    machine.tick(3_100, undefined, out)
    expect(since()).toEqual(['dial'])
  })

  it('pings when nothing was sent for a third of its time', () => {
    connectAt(0, first)
    since()
    machine.tick(2_999, undefined, out)
    expect(since()).toEqual([])
    machine.tick(3_000, undefined, out)
    expect(since()).toEqual(['ping'])
    machine.sent(3_000)
    machine.tick(5_999, 3_000, out)
    expect(since()).toEqual([])
  })

  it('leaves a server that is silent for two thirds of its time, and resumes elsewhere', () => {
    connectAt(0, first)
    machine.sent(3_000)
    since()
    machine.tick(5_999, 3_000, out)
    expect(machine.state).toBe('connected')
    machine.tick(6_000, 3_000, out)
    expect(since()).toEqual(['hang-up', 'suspended'])
    machine.tick(6_100, undefined, out)
    connectAt(6_200, first)
    expect(since()).toEqual(['dial', 'handshake 1', 'resumed', 'connected'])
    expect(machine.count).toBe(1)
  })

  it('does not blame a server that was asked nothing', () => {
    connectAt(0, first)
    since()
    // This side slept for seven seconds: what it now sends has not had its time yet.
    machine.tick(7_000, undefined, out)
    expect(since()).toEqual(['ping'])
    machine.sent(7_000)
    machine.tick(7_500, 7_000, out)
    expect(machine.state).toBe('connected')
  })

  it('is lost one timeout after the last answered packet was sent, however late the answer came', () => {
    connectAt(0, first)
    machine.sent(2_000)
    machine.received(4_000)
    machine.acknowledged(2_000)
    machine.disconnected(5_000, out)
    since()
    passUntil(10_999, 5_000)
    expect(machine.state).toBe('suspended')
    machine.tick(11_000, undefined, out)
    expect(since()).toContain('lost')
    expect(machine.session).toBeUndefined()
  })

  it('is lost before the server can say so, while the server is still silent', () => {
    connectAt(0, first)
    machine.disconnected(1_000, out)
    since()
    passUntil(9_000, 1_000)
    expect(since().filter((each) => each === 'lost')).toEqual(['lost'])
  })

  it('is buried where it still lives, before a new one begins', () => {
    connectAt(0, first)
    machine.disconnected(100, out)
    passUntil(9_050, 100)
    since()
    connectAt(9_100, first)
    expect(since()).toEqual(['handshake 1', 'close-session'])
    expect(machine.state).toBe('lost')
    machine.sessionClosed(9_200, out)
    expect(since()).toEqual(['hang-up', 'dial'])
    connectAt(9_300, second)
    expect(since()).toEqual(['handshake new', 'fresh', 'connected'])
    expect(machine.count).toBe(2)
  })

  it('is lost when a server refuses it, and a new one begins at once', () => {
    connectAt(0, first)
    machine.disconnected(100, out)
    machine.tick(200, undefined, out)
    machine.opened(210, out)
    since()
    machine.refused(220, out)
    expect(since()).toEqual(['lost', 'hang-up', 'dial'])
    connectAt(230, second)
    expect(since()).toEqual(['handshake new', 'fresh', 'connected'])
  })

  it('pauses before it asks a server again that grants no session at all', () => {
    machine.opened(10, out)
    machine.refused(20, out)
    expect(since()).toEqual(['handshake new', 'hang-up'])
    expect(machine.wakeAtMs(20)).toBe(120)
  })

  it('is lost when a server silently gives another one', () => {
    connectAt(0, first)
    machine.disconnected(100, out)
    machine.tick(200, undefined, out)
    since()
    connectAt(210, second)
    expect(since()).toEqual(['handshake 1', 'lost', 'fresh', 'connected'])
    expect(machine.count).toBe(2)
  })

  it('ends with the answer to its closeSession', () => {
    connectAt(0, first)
    since()
    machine.close(100, out)
    expect(since()).toEqual(['close-session'])
    machine.sessionClosed(200, out)
    expect(since()).toEqual(['hang-up', 'closed'])
    machine.close(300, out)
    expect(since()).toEqual([])
  })

  it('ends without an answer when the connection ends or the time is over', () => {
    connectAt(0, first)
    machine.close(100, out)
    since()
    machine.tick(2_099, undefined, out)
    expect(machine.state).toBe('connected')
    machine.tick(2_100, undefined, out)
    expect(since()).toEqual(['hang-up', 'closed'])
    expect(machine.wakeAtMs(2_100)).toBeUndefined()
  })

  it('ends at once without a connection', () => {
    machine.close(1, out)
    expect(since()).toEqual(['hang-up', 'closed'])
  })
})
