// Makes calls that fail and handles some of them in the ways promises are handled; prints which failures nobody
// handled, as Node sees it.

import { openRegistry } from '../../dist/registry/index.js'
import { createRpcClient, createRpcServer } from '../../dist/rpc/index.js'

const unhandled = []
process.on('unhandledRejection', (error) => unhandled.push(error.message))

const server = await createRpcServer({ onHandlerFailure: () => {} })
await server.provide('s', { fail: (name) => Promise.reject(new Error(name)), ok: () => 1 })
const registry = await openRegistry(`static:s=127.0.0.1:${server.address.port}`)
const client = createRpcClient({ registry })
const names = []
const fail = (name) => {
  names.push(name)
  return client.invoke('s', 'fail', [name], { metadata: { name } })
}

await fail('awaited').catch(() => {})
try {
  await fail('in try')
} catch {}
fail('caught later').catch(() => {})
fail('then with two').then(undefined, () => {})
await Promise.allSettled([fail('settled')])
await Promise.race([client.invoke('s', 'ok'), fail('lost the race')]).catch(() => {})
try {
  for await (const _ of fail('iterated'));
} catch {}
await client.invoke('s', 'ok')

// Nobody looks at these two.
void client.invoke('gone', 'nobody')
client.invoke('gone', 'derived').finally(() => {})

await client.invoke('s', 'ok')
setTimeout(async () => {
  await client.close()
  await server.close()
  process.send(unhandled)
  process.disconnect()
}, 100)
