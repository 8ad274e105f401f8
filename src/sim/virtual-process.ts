import type { Random, Timer, World } from '../base/index.ts'
import type { VirtualDisk } from './virtual-disk.ts'
import type { VirtualTime } from './virtual-time.ts'

/**
 * One run of a program: a world whose timers and files die with it. Code of a dead process that still awaits
 * something simply never goes on.
 */
export class VirtualProcess {
  readonly world: World
  readonly #timers = new Set<Timer>()
  readonly #release: () => void
  #isAlive = true

  constructor(time: VirtualTime, disk: VirtualDisk, random: Random) {
    const { files, release } = disk.mount()
    this.#release = release
    const after = (delayMs: number, action: () => void): Timer => this.#after(time, delayMs, action)
    this.world = { clock: time.clock, timers: { after }, random, files }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** As kill -9: nothing it asked for happens any more; what it wrote stays in the page cache. */
  kill(): void {
    this.#isAlive = false
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#release()
  }

  #after(time: VirtualTime, delayMs: number, action: () => void): Timer {
    const timer = time.after(delayMs, () => {
      this.#timers.delete(timer)
      action()
    })
    if (this.#isAlive) this.#timers.add(timer)
    else timer.cancel()
    const cancel = (): void => {
      this.#timers.delete(timer)
      timer.cancel()
    }
    return { cancel }
  }
}
