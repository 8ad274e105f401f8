import { fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

it('a failed call that nobody handles is an unhandled rejection, once, and a handled one is none', async () => {
  const child = fork(new URL('./rejections.mjs', import.meta.url))
  const exited = once(child, 'exit')
  const [unhandled] = (await once(child, 'message')) as [string[]]
  expect(unhandled).toEqual([
    expect.stringContaining('no instance of service gone'),
    expect.stringContaining('no instance of service gone'),
  ])
  // Nothing keeps the process once client and server are closed.
  expect(await exited).toEqual([0, null])
})
