import type { Clock } from './clock.ts'
import type { Files } from './files.ts'
import type { Random } from './random.ts'
import type { Timers } from './timers.ts'

/** Everything non-deterministic that a server may touch. `host` makes the real one, `sim` the virtual one. */
export interface World {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
}
