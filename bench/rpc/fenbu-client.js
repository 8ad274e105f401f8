import { openRegistry } from 'fenbu/registry'
import { createRpcClient } from 'fenbu/rpc'
import { keepBusy } from './load.js'

const registry = await openRegistry(`static:echo=127.0.0.1:${process.argv[2]}`)
const echo = createRpcClient({ registry }).service('echo', { timeoutMs: 10_000, retries: 0 })

process.on('message', async (question) => {
  const message = { item: 'x'.repeat(question.textBytes), quantity: 1 }
  if (question.sizes) {
    // Fixed fields of CALL and RESULT (docs/internals/rpc.md) and the message in MessagePack.
    const payload = 1 + 5 + (question.textBytes < 32 ? 1 : 3) + question.textBytes + 9 + 1
    process.send({ requestBytes: 19 + 1 + payload, replyBytes: 14 + payload })
  } else process.send(await keepBusy(() => echo.echo(message), question.inFlight, question.ms))
})
process.send({ ready: true })
