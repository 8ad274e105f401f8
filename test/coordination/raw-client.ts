import { connect as connectTcp, type Socket } from 'node:net'
import { ByteReader, ByteWriter } from '../../src/bytes/index.ts'
import {
  type ConnectResponse,
  type JuteType,
  OPEN_ACL,
  operations,
  readConnectResponse,
  type WatcherEvent,
  watcherEvent,
  writeConnectRequest,
} from '../../src/coordination/core/index.ts'

export const EMPTY = new Uint8Array(0)
const ANSWER_TIMEOUT_MS = 10_000

/** One packet from the server. */
export interface Packet {
  readonly xid: number
  readonly zxid: bigint
  readonly error: number
  readonly body: Uint8Array
}

export interface Hello {
  readonly sessionId?: bigint
  readonly password?: Uint8Array
  readonly timeoutMs?: number
  readonly lastZxidSeen?: bigint
  /** `null` leaves the byte out, as old clients do. */
  readonly readOnly?: boolean | null
}

/** A client that does nothing by itself: bytes out, packets in. */
export class RawClient {
  readonly socket: Socket
  readonly closed: Promise<void>
  isClosed = false
  #received = Buffer.alloc(0)
  #arrived: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true
        resolve()
        this.#arrived()
      })
    })
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#arrived()
    })
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true }, () =>
        resolve(new RawClient(socket)),
      )
      socket.once('error', reject)
    })
  }

  /** Opens a connection with a session. */
  static async join(
    port: number,
    hello: Hello = {},
  ): Promise<{ client: RawClient; answer: ConnectResponse }> {
    const client = await RawClient.open(port)
    client.hello(hello)
    return { client, answer: await client.welcome() }
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  frame(write: (writer: ByteWriter) => void): void {
    this.write(frameOf(write))
  }

  hello({
    sessionId = 0n,
    password,
    timeoutMs = 10_000,
    lastZxidSeen = 0n,
    readOnly = false,
  }: Hello = {}): void {
    this.frame((writer) =>
      writeConnectRequest(writer, {
        protocolVersion: 0,
        lastZxidSeen,
        timeoutMs,
        sessionId,
        password: password ?? new Uint8Array(16),
        readOnly: readOnly ?? undefined,
      }),
    )
  }

  async welcome(): Promise<ConnectResponse> {
    return readConnectResponse(new ByteReader(await this.nextFrame()))
  }

  /** Sends a request without waiting. */
  send<Fields>(xid: number, operation: { code: number; request: JuteType<Fields> }, fields: Fields): void {
    this.sendBody(xid, operation.code, (writer) => operation.request.write(writer, fields))
  }

  sendBody(xid: number, code: number, body: (writer: ByteWriter) => void = () => {}): void {
    this.frame((writer) => {
      writer.int32(xid)
      writer.int32(code)
      body(writer)
    })
  }

  /** Sends a request and waits for the next packet. */
  async request<Fields>(
    xid: number,
    operation: { code: number; request: JuteType<Fields> },
    fields: Fields,
  ): Promise<Packet> {
    this.send(xid, operation, fields)
    return await this.next()
  }

  async create(path: string, data: Uint8Array = EMPTY, flags = 0): Promise<Packet> {
    return await this.request(1, operations.create, { path, data, acl: OPEN_ACL, flags })
  }

  /** The next packet; rejects if the connection ends before it. */
  async next(): Promise<Packet> {
    const reader = new ByteReader(await this.nextFrame())
    const [xid, zxid, error] = [reader.int32(), reader.int64(), reader.int32()]
    return { xid, zxid, error, body: new Uint8Array(reader.bytes(reader.remaining)) }
  }

  async nextFrame(): Promise<Uint8Array> {
    const length = (await this.#take(4)).readInt32BE(0)
    return await this.#take(length)
  }

  /** Everything until the server closes. */
  async rest(): Promise<Uint8Array> {
    await this.closed
    return this.#received
  }

  end(): void {
    this.socket.destroy()
  }

  async #take(length: number): Promise<Buffer> {
    const giveUp = setTimeout(() => this.socket.destroy(), ANSWER_TIMEOUT_MS)
    try {
      while (this.#received.length < length) {
        if (this.isClosed) throw new Error(`closed with ${this.#received.length} of ${length} bytes`)
        await new Promise<void>((resolve) => {
          this.#arrived = resolve
        })
      }
    } finally {
      clearTimeout(giveUp)
    }
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }
}

export function frameOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  writer.int32(0)
  write(writer)
  writer.setInt32At(0, writer.length - 4)
  return writer.take()
}

export function readBody<Value>(packet: Packet, type: JuteType<Value>): Value {
  const reader = new ByteReader(packet.body)
  const value = type.read(reader)
  reader.finish()
  return value
}

export function eventOf(packet: Packet): WatcherEvent {
  return readBody(packet, watcherEvent)
}
