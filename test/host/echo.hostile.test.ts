import type { Connection, ConnectionHandler } from '../../src/host/index.ts'
import { frameOf } from './echo.ts'
import { hostilePeers } from './hostile-suite.ts'
import { openClient, openListener, Recorder } from './support.ts'

hostilePeers({
  name: 'echo',
  async listen(limits) {
    const listener = await openListener(limits, echoAfterHello)
    return {
      listener,
      async honest() {
        const handler = new Recorder()
        const client = await openClient(listener.address, handler)
        client.writer.bytes(frameOf('hello'))
        return {
          async roundTrip() {
            const text = `round trip ${handler.frames.length}`
            client.writer.bytes(frameOf(text))
            await handler.until(() => handler.frames.at(-1) === text)
          },
        }
      },
    }
  },
  handshake: frameOf('hello'),
  frame: frameOf('an echo of some bytes'),
  replyBytes: 25,
  head(bytes) {
    const head = Buffer.alloc(4)
    head.writeInt32BE(bytes - 4)
    return head
  },
  nonsense: Buffer.from('ffffffff', 'hex'),
  codes: { huge: 'HOST_FRAME_TOO_LARGE', nonsense: 'HOST_FRAME_INVALID' },
})

/** The first frame is the handshake. */
function echoAfterHello(connection: Connection): ConnectionHandler {
  return {
    frame(bytes, start, end) {
      connection.established()
      connection.writer.bytes(bytes.subarray(start, end))
    },
    closed: () => {},
  }
}
