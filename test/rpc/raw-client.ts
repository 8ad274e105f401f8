import { ByteWriter } from '../../src/bytes/index.ts'
import {
  type AnyFrame,
  decodeFrame,
  encodeFrame,
  type FrameFields,
  type FrameName,
  frameLength,
  type Hello,
  PREFACE,
} from '../../src/rpc/core/index.ts'
import { type RawPeer, rawPeer } from '../host/support.ts'
import { atEnd } from './fixture.ts'

export const HELLO: Hello = {
  versionMin: 1,
  versionMax: 1,
  maxFrameBytes: 1024 * 1024,
  maxInFlight: 10,
  maxDefinitions: 10,
  features: 0,
  codecs: Uint8Array.of(1),
  instanceId: 'a stranger',
}

/** `echo` with one argument, in MessagePack. */
const ONE_TEXT: Uint8Array = Uint8Array.of(0x91, 0xa2, 0x68, 0x69)

/** A client that keeps to the protocol only as far as the test wants. */
export class RawClient {
  readonly peer: RawPeer

  constructor(peer: RawPeer) {
    this.peer = peer
  }

  static async connect(address: { readonly host: string; readonly port: number }): Promise<RawClient> {
    const peer = await rawPeer(address)
    atEnd(() => peer.socket.destroy())
    return new RawClient(peer)
  }

  /** A client whose handshake is done and that has named `service.method` as 0. */
  static async greeted(
    address: { readonly host: string; readonly port: number },
    service = 'echo',
    method = 'echo',
  ): Promise<RawClient> {
    const client = await RawClient.connect(address)
    client.peer.send(PREFACE)
    client.send('HELLO', 0, HELLO)
    client.define(0, service, method)
    await client.frame('HELLO')
    return client
  }

  define(methodId: number, service: string, method: string): void {
    this.send('DEFINE', 0, { methodId, service, group: 'default', version: '*', method })
  }

  call(callId: number, more: Partial<FrameFields<'CALL'>> = {}): void {
    this.peer.send(callBytes(callId, more))
  }

  send<Name extends FrameName>(name: Name, callId: number, fields: FrameFields<Name>): void {
    this.peer.send(frameBytes(name, callId, fields))
  }

  /** Everything received so far, in whole frames. */
  get frames(): AnyFrame[] {
    const bytes = this.peer.received
    const frames: AnyFrame[] = []
    let at = 0
    while (at < bytes.length) {
      const length = frameLength(bytes, at, bytes.length)
      if (length === 0 || at + length > bytes.length) break
      if (at > 0) frames.push(decodeFrame(bytes, at, at + length))
      at += length
    }
    return frames
  }

  /** The first frame of that name, for that call if one is given, once it is here. */
  async frame<Name extends FrameName>(
    name: Name,
    callId?: number,
  ): Promise<Extract<AnyFrame, { name: Name }>> {
    for (;;) {
      const found = this.frames.find(
        (frame) => frame.name === name && (callId === undefined || frame.callId === callId),
      )
      if (found) return found as Extract<AnyFrame, { name: Name }>
      if (this.peer.socket.destroyed)
        throw new Error(`closed before ${name}; got ${this.frames.map((frame) => frame.name)}`)
      const before = this.peer.receivedBytes
      await Promise.race([this.peer.closed, this.peer.until(before + 1).catch(() => {})])
    }
  }
}

export function frameBytes<Name extends FrameName>(
  name: Name,
  callId: number,
  fields: FrameFields<Name>,
  flags = 0,
): Uint8Array {
  const writer = new ByteWriter()
  encodeFrame(writer, name, callId, flags, fields)
  return writer.take()
}

export function callBytes(callId: number, more: Partial<FrameFields<'CALL'>> = {}): Uint8Array {
  return frameBytes('CALL', callId, {
    methodId: 0,
    timeoutMs: 10_000,
    attempt: 1,
    metadata: new Uint8Array(0),
    args: ONE_TEXT,
    ...more,
  })
}
