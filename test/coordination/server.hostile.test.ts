import { onTestFinished } from 'vitest'
import { ByteWriter } from '../../src/bytes/index.ts'
import { connect } from '../../src/coordination/client/index.ts'
import { Listener } from '../../src/host/index.ts'
import { hostilePeers } from '../host/hostile-suite.ts'
import { startEmbedded } from './embedded-engine.ts'

const PING_XID = -2
const PING_TYPE = 11
const SESSION_TIMEOUT_MS = 10_000

hostilePeers({
  name: 'coordination',
  async listen(limits) {
    const engine = await startEmbedded()
    const listener = await Listener.open({ port: 0, services: [engine.server.service()], ...limits })
    onTestFinished(async () => {
      await listener.close({ drainTimeoutMs: 0 })
      await engine.stop()
    })
    return {
      listener,
      async honest() {
        const client = connect(`fenbu://127.0.0.1:${listener.address.port}`)
        onTestFinished(() => client.close())
        await client.ready()
        return {
          async roundTrip() {
            if ((await client.exists('/')) === undefined) throw new Error('the root is gone')
          },
        }
      },
    }
  },
  handshake: packet((writer) => {
    writer.int32(0)
    writer.int64(0n)
    writer.int32(SESSION_TIMEOUT_MS)
    writer.int64(0n)
    writer.int32(16)
    writer.bytes(new Uint8Array(16))
    writer.boolean(false)
  }),
  frame: packet((writer) => {
    writer.int32(PING_XID)
    writer.int32(PING_TYPE)
  }),
  replyBytes: 20,
  head(bytes) {
    const writer = new ByteWriter()
    writer.int32(bytes - 4)
    return writer.take()
  },
  nonsense: Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  codes: { huge: 'COORDINATION_PACKET_TOO_LARGE', nonsense: 'COORDINATION_PACKET_TOO_LARGE' },
})

function packet(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  writer.int32(0)
  write(writer)
  writer.setInt32At(0, writer.length - 4)
  return writer.take()
}
