import { afterEach, describe, expect, it } from 'vitest'
import {
  type Connection,
  type ConnectionHandler,
  dial,
  Listener,
  type Protocol,
} from '../../src/host/index.ts'

const echoProtocol: Protocol = {
  name: 'echo',
  frameLength: (bytes, start, end) =>
    end - start < 4 ? 0 : 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(start),
}

const listeners: Listener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close({ drainTimeoutMs: 100 })
})

function echo(connection: Connection): ConnectionHandler {
  connection.established()
  return {
    frame: (bytes, start, end) => connection.writer.bytes(bytes.subarray(start, end)),
    closed: () => {},
  }
}

describe('a connection', () => {
  it('cuts the stream into frames, however it arrives', async () => {
    const listener = await Listener.open({ port: 0, services: [{ protocol: echoProtocol, accept: echo }] })
    listeners.push(listener)
    const client = await dial(listener.address, echoProtocol)
    const frames: string[] = []
    await new Promise<void>((resolve) => {
      client.start({
        frame(bytes, start, end) {
          frames.push(new TextDecoder().decode(bytes.subarray(start + 4, end)))
          if (frames.length === 3) resolve()
        },
        closed: () => {},
      })
      for (const text of ['one', '', 'HHKB键盘']) {
        const body = new TextEncoder().encode(text)
        client.writer.uint32(body.length)
        client.writer.bytes(body)
      }
    })
    expect(frames).toEqual(['one', '', 'HHKB键盘'])
    client.end()
  })
})
