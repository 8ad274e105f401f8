// The built package does its main job on the Node that runs this: an embedded server, a provider, a consumer.
import assert from 'node:assert/strict'
import { connect } from 'fenbu'

const app = await connect('embedded:', { name: 'smoke' })
try {
  await app.provide(
    'order',
    { buy: async (item, quantity = 1) => ({ item, quantity }) },
    { version: '1.0.0' },
  )
  const orders = app.service('order')
  assert.deepEqual(await orders.buy('HHKB键盘'), { item: 'HHKB键盘', quantity: 1 })
  const { path } = await app.coordination.create('/smoke', new TextEncoder().encode('kept'))
  assert.equal(new TextDecoder().decode((await app.coordination.get(path)).data), 'kept')
} finally {
  await app.close()
}
console.log(`smoke tests passed on Node ${process.version}`)
