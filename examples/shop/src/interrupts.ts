/** Ctrl-C and SIGTERM: the first one asks to stop, the next one insists. */
export interface Interrupts {
  /** Aborted by the first one. */
  readonly signal: AbortSignal
  /** Resolves at the first one. */
  readonly requested: Promise<void>
  /** Rejects at the first one; the work goes on by itself. */
  race<Value>(work: Promise<Value>): Promise<Value>
  stop(): void
}

class InterruptedError extends Error {
  constructor() {
    super('interrupted')
    this.name = 'InterruptedError'
  }
}

export function listenForInterrupts(insisted: () => void): Interrupts {
  const controller = new AbortController()
  const { signal } = controller
  const requested = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const listen = (): void => {
    if (signal.aborted) insisted()
    else controller.abort()
  }
  for (const name of NAMES) process.on(name, listen)
  return {
    signal,
    requested,
    race: (work) =>
      Promise.race([
        work,
        requested.then(() => {
          throw new InterruptedError()
        }),
      ]),
    stop: () => {
      for (const name of NAMES) process.off(name, listen)
    },
  }
}

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
