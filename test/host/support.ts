import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import type { FenbuError } from '../../src/base/index.ts'
import {
  type Address,
  type Connection,
  type ConnectionHandler,
  type ConnectionOptions,
  dial,
  Listener,
  type ListenerOptions,
} from '../../src/host/index.ts'
import { echo, echoProtocol } from './echo.ts'

/** A listener on a free port that the end of the test closes. */
export async function openListener(
  options: Partial<ListenerOptions> = {},
  accept: (connection: Connection) => ConnectionHandler = echo,
): Promise<Listener> {
  const services = [{ protocol: echoProtocol, accept }]
  const listener = await Listener.open({ port: 0, services, ...options })
  onTestFinished(() => listener.close({ drainTimeoutMs: 0 }))
  return listener
}

/** Writes down what a connection tells its handler. */
export class Recorder implements ConnectionHandler {
  readonly frames: string[] = []
  readonly reasons: FenbuError[] = []
  readonly #changed: (() => void)[] = []

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.frames.push(Buffer.from(bytes.subarray(start + 4, end)).toString())
    this.#tell()
  }

  closed(reason: FenbuError): void {
    this.reasons.push(reason)
    this.#tell()
  }

  /** Resolves with the reason once the connection closed. */
  async end(): Promise<FenbuError> {
    await this.until(() => this.reasons.length > 0)
    return this.reasons[0]!
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve))
  }

  #tell(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }
}

export interface Pair {
  readonly listener: Listener
  /** The server's end, with a recorder unless `accept` is given. */
  readonly server: Connection
  readonly handler: Recorder
  readonly peer: RawPeer
}

/** A connection under test on the server's side, and a bare socket on the other. */
export async function openPair(
  connection: ConnectionOptions = {},
  handler: Recorder = new Recorder(),
): Promise<Pair> {
  let server: Connection | undefined
  const listener = await openListener({ connection }, (accepted) => {
    server = accepted
    return handler
  })
  const peer = await rawPeer(listener.address)
  await vi.waitFor(() => server!.remoteHost, { interval: 1 })
  return { listener, server: server!, handler, peer }
}

/** A client that is none of ours: a bare socket that keeps what it received. */
export class RawPeer {
  readonly socket: Socket
  /** Resolves with true if the connection was reset, false if it ended in order. */
  readonly closed: Promise<boolean>
  receivedBytes = 0
  readonly #chunks: Buffer[] = []
  #error: Error | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.receivedBytes += chunk.length
    })
    socket.on('error', (error) => {
      this.#error = error
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#error !== undefined)))
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  async until(bytes: number): Promise<Buffer> {
    while (this.receivedBytes < bytes) await once(this.socket, 'data')
    return this.received
  }
}

export async function rawPeer(
  address: Address,
  options: { allowHalfOpen?: boolean; localAddress?: string } = {},
): Promise<RawPeer> {
  const socket = connect({ ...address, ...options })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return new RawPeer(socket)
}

/** A client connection of ours that the end of the test closes. */
export async function openClient(
  address: Address,
  handler: ConnectionHandler,
  options: Parameters<typeof dial>[2] = {},
): Promise<Connection> {
  const connection = await dial(address, echoProtocol, options)
  onTestFinished(() => connection.destroy())
  connection.start(handler)
  connection.established()
  return connection
}

/** Waits for the listener to have counted that many ends with the code. */
export async function untilEnded(listener: Listener, code: string, count = 1): Promise<void> {
  await vi.waitFor(() => {
    const { ended } = listener.statistics
    if ((ended.get(code) ?? 0) < count) throw new Error(`${count} × ${code}: ${JSON.stringify([...ended])}`)
  }, WAITING)
}

/** Looks often, gives up late. */
export const WAITING = { interval: 2, timeout: 10_000 }
