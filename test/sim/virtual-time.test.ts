import { expect, test } from 'vitest'
import { VirtualTime } from '../../src/sim/index.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('events run in the order of their times, and of their setting where times are equal', () => {
  const time = new VirtualTime()
  const seen: string[] = []
  for (const [name, delay] of [
    ['c', 5],
    ['a', 1],
    ['d', 5],
    ['b', 3],
    ['e', 9],
  ] as const)
    time.after(delay, () => seen.push(`${name}@${time.clock.monotonicMs()}`))
  while (time.runNext());
  expect(seen).toEqual(['a@1', 'b@3', 'c@5', 'd@5', 'e@9'])
})

test('many events come out sorted', () => {
  const time = new VirtualTime()
  const seen: number[] = []
  for (let i = 0; i < 1000; i++) {
    const delay = (i * 7919) % 503
    time.after(delay, () => seen.push(delay))
  }
  while (time.runNext());
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect(seen).toHaveLength(1000)
})

test('a cancelled event does not run, also when it is cancelled twice or late', () => {
  const time = new VirtualTime()
  let runs = 0
  const timer = time.after(1, () => runs++)
  const other = time.after(2, () => runs++)
  timer.cancel()
  timer.cancel()
  while (time.runNext());
  other.cancel()
  expect(runs).toBe(1)
})

test('code that awaits goes on before time does', async () => {
  const time = new VirtualTime()
  const seen: number[] = []
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve))
  const walk = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await sleep(10)
      await Promise.resolve().then(() => Promise.resolve())
      seen.push(time.nowMs)
    }
  }
  void walk()
  time.after(15, () => seen.push(15))
  await time.run(settle, 100)
  expect(seen).toEqual([10, 15, 20, 30])
})

test('the wall clock jumps, the monotonic one does not', () => {
  const time = new VirtualTime(1000)
  time.after(5, () => undefined)
  time.runNext()
  time.jumpWall(-3000)
  expect([time.clock.monotonicMs(), time.clock.wallMs()]).toEqual([5, -1995])
})
