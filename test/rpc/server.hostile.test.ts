import { onTestFinished } from 'vitest'
import { ByteWriter } from '../../src/bytes/index.ts'
import { Listener } from '../../src/host/index.ts'
import { openRegistry } from '../../src/registry/index.ts'
import { encodeFrame, FEATURES, PREFACE } from '../../src/rpc/core/index.ts'
import { createRpcClient, Provider, SERVER_LIMITS } from '../../src/rpc/index.ts'
import { hostilePeers } from '../host/hostile-suite.ts'

hostilePeers({
  name: 'RPC',
  async listen(limits) {
    const provider = new Provider({ limits: SERVER_LIMITS })
    provider.provide('echo', { say: (text: string) => text })
    const listener = await Listener.open({ port: 0, services: [provider.service], ...limits })
    onTestFinished(() => listener.close({ drainTimeoutMs: 0 }))
    return {
      listener,
      async honest() {
        const registry = await openRegistry(`static:echo=127.0.0.1:${listener.address.port}`)
        const client = createRpcClient({ registry, timeoutMs: 10_000 })
        onTestFinished(async () => {
          await client.close()
          await registry.close()
        })
        const say = async (text: string): Promise<void> => {
          const answer = await client.invoke('echo', 'say', [text])
          if (answer !== text) throw new Error(`said ${text}, heard ${String(answer)}`)
        }
        await say('hello')
        return { roundTrip: () => say('round trip') }
      },
    }
  },
  handshake: bytesOf((writer) => {
    writer.bytes(PREFACE)
    encodeFrame(writer, 'HELLO', 0, 0, {
      versionMin: 1,
      versionMax: 1,
      maxFrameBytes: 1024 * 1024,
      maxInFlight: 10,
      maxDefinitions: 10,
      features: FEATURES,
      codecs: Uint8Array.of(1),
      instanceId: 'a hostile peer',
    })
  }),
  frame: bytesOf((writer) => encodeFrame(writer, 'PING', 0, 0, { token: new Uint8Array(8) })),
  replyBytes: 18,
  head: (bytes) => bytesOf((writer) => writer.uint32(bytes - 4)),
  // Shorter than its own header.
  nonsense: bytesOf((writer) => writer.uint32(5)),
  codes: { huge: 'HOST_FRAME_TOO_LARGE', nonsense: 'RPC_FRAME_INVALID' },
})

function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.take()
}
