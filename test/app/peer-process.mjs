// A process of its own for the tests of applications: told by its parent what to do, answers by IPC.
import { connect } from '../../dist/index.js'

const app = await connect(process.argv[2], {
  sessionTimeoutMs: Number(process.argv[3] ?? 10_000),
  registry: { cacheFolder: false },
})
const states = []
app.coordination.onState((state) => states.push(state))

const actions = {
  provide: async () => {
    const { registration } = await app.provide('order', { buy: async (item) => ({ item, pid: process.pid }) })
    return registration.instance.id
  },
  session: async () => ({ count: app.coordination.session?.count, states }),
  close: async () => {
    await app.close()
    process.disconnect()
  },
}

process.on('message', async (action) => process.send?.({ result: await actions[action]() }, () => undefined))
process.send({ result: 'connected' })
