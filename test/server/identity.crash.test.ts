import { expect, it } from 'vitest'
import { type Files, isFenbuError } from '../../src/base/index.ts'
import { openIdentity, type ServerIdentity } from '../../src/server/identity.ts'
import { seededRandom, VirtualDisk, VirtualTime } from '../../src/sim/index.ts'

const SEEDS = 300
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('has the identity that it was given, or none and is empty, after a power cut at any moment', async () => {
  let kept = 0
  let lost = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const time = new VirtualTime()
    const disk = new VirtualDisk(time, seededRandom(seed))
    const open = (files: Files): Promise<ServerIdentity> => openIdentity(files, `seed ${seed}`)

    let given: ServerIdentity | undefined
    open(disk.mount().files).then(
      (identity) => {
        given = identity
      },
      // The power cut ends it.
      () => undefined,
    )
    await time.run(settle, 1 + (seed % 30), () => given !== undefined)
    const before = given
    disk.powerCut()

    let after: ServerIdentity | undefined
    let failure: unknown
    open(disk.mount().files).then(
      (identity) => {
        after = identity
      },
      (error: unknown) => {
        failure = error
      },
    )
    await time.run(settle, 10_000, () => after !== undefined || failure !== undefined)
    expect(failure, `seed ${seed}: ${isFenbuError(failure) ? failure.code : ''}`).toBeUndefined()
    if (before) expect(after, `seed ${seed}`).toEqual(before)
    if (before) kept++
    else lost++
  }
  // Both cases were met often enough to mean something.
  expect(Math.min(kept, lost)).toBeGreaterThan(SEEDS / 10)
})
