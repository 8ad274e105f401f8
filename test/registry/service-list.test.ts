import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { ServiceList } from '../../src/registry/service-list.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

it('has one promise for everyone who waits for the first list', async () => {
  const list = new ServiceList('order')
  const watch = list.watch(() => {})
  const first = watch.ready()
  expect(watch.ready()).toBe(first)
  list.publish([], 'live')
  expect(await first).toBe(watch.current)
  expect(await watch.ready()).toBe(watch.current)
})

it('refuses everyone who waits at once, and lets those who come later wait anew', async () => {
  const list = new ServiceList('order')
  const watch = list.watch(() => {})
  const waiting = [watch.ready(), watch.ready({ signal: new AbortController().signal })]
  list.fail(new Error('no right'))
  for (const one of waiting) await expect(one).rejects.toThrow('no right')
  list.publish([], 'live')
  expect((await watch.ready()).instances).toEqual([])
})

it('holds nothing of those who gave up waiting', async () => {
  const watch = new ServiceList('order').watch(() => {})
  const given: WeakRef<object>[] = []
  for (let at = 0; at < 100; at++) {
    const abort = new AbortController()
    const waiting = watch.ready({ signal: abort.signal })
    given.push(new WeakRef(waiting))
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  }
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(given.filter((one) => one.deref() !== undefined).length).toBeLessThan(5)
})
