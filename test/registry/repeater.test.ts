import { expect, it } from 'vitest'
import { Repeater } from '../../src/registry/repeater.ts'

const FOREVER_MS = 2 ** 31 - 1

/** Work whose runs are ended by hand. */
function handWork() {
  const ends: (() => void)[] = []
  let started: () => void = () => undefined
  const work = (): Promise<number> => {
    started()
    return new Promise((resolve) => ends.push(() => resolve(FOREVER_MS)))
  }
  return {
    work,
    runs: () => ends.length,
    end: () => ends.at(-1)?.(),
    nextStart: () =>
      new Promise<void>((resolve) => {
        started = resolve
      }),
  }
}

it('runs again after the present run when it is kicked meanwhile, and only once for many kicks', async () => {
  const hand = handWork()
  const repeater = new Repeater(hand.work)
  repeater.kick()
  repeater.kick()
  repeater.kick()
  expect(hand.runs()).toBe(1)
  const next = hand.nextStart()
  hand.end()
  await next
  expect(hand.runs()).toBe(2)
  hand.end()
  await repeater.stop()
  expect(hand.runs()).toBe(2)
})

it('starts no run once it was stopped, and waits for the one under way', async () => {
  const hand = handWork()
  const repeater = new Repeater(hand.work)
  repeater.kick()
  let stopped = false
  const stopping = repeater.stop().then(() => {
    stopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(stopped).toBe(false)
  repeater.kick()
  hand.end()
  await stopping
  expect(hand.runs()).toBe(1)
})

it('keeps the gap between the starts of two runs', async () => {
  const starts: number[] = []
  let twice: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    twice = resolve
  })
  const repeater = new Repeater(async () => {
    if (starts.push(performance.now()) === 2) twice()
    return 0
  }, 50)
  repeater.kick()
  await done
  await repeater.stop()
  // Timers may fire a millisecond early.
  expect(starts[1]! - starts[0]!).toBeGreaterThanOrEqual(48)
})
