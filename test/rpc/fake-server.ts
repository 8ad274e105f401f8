import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  type AnyFrame,
  decodeFrame,
  type FrameFields,
  type FrameName,
  frameLength,
  type Hello,
  PREFACE,
} from '../../src/rpc/core/index.ts'
import { atEnd } from './fixture.ts'
import { frameBytes, HELLO } from './raw-client.ts'

/** The server's end of one connection, which says whatever the test wants. */
export class FakeConnection {
  readonly socket: Socket
  /** In the order of their arrival; the preface is not among them. */
  readonly frames: AnyFrame[] = []

  constructor(socket: Socket) {
    this.socket = socket
  }

  send<Name extends FrameName>(name: Name, callId: number, fields: FrameFields<Name>, flags = 0): void {
    this.socket.write(frameBytes(name, callId, fields, flags))
  }

  /** `ok` in MessagePack. */
  result(callId: number, value: Uint8Array = Uint8Array.of(0xa2, 0x6f, 0x6b)): void {
    this.send('RESULT', callId, { handlerMicros: 0, value })
  }
}

export interface FakeServer {
  readonly address: { readonly host: string; readonly port: number }
  readonly connections: FakeConnection[]
}

/** Greets with `hello` (or these bytes), then answers each frame as the test says. */
export async function fakeServer(
  answer: (frame: AnyFrame, connection: FakeConnection) => void,
  hello: Partial<Hello> | Uint8Array = {},
): Promise<FakeServer> {
  const connections: FakeConnection[] = []
  const server = createServer((socket) => {
    const connection = new FakeConnection(socket)
    connections.push(connection)
    socket.on('error', () => socket.destroy())
    let received = Buffer.alloc(0)
    let at = 0
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (;;) {
        const length = frameLength(received, at, received.length)
        if (length === 0 || at + length > received.length) return
        at += length
        if (at === PREFACE.length) greet(connection, hello)
        else deliver(connection, decodeFrame(received, at - length, at), answer)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, connections }
}

function greet(connection: FakeConnection, hello: Partial<Hello> | Uint8Array): void {
  if (hello instanceof Uint8Array) {
    connection.socket.write(hello)
    return
  }
  connection.socket.write(PREFACE)
  connection.send('HELLO', 0, { ...HELLO, ...hello })
}

function deliver(
  connection: FakeConnection,
  frame: AnyFrame,
  answer: (frame: AnyFrame, connection: FakeConnection) => void,
): void {
  connection.frames.push(frame)
  if (frame.name !== 'HELLO') answer(frame, connection)
}
