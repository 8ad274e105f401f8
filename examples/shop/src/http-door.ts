import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a route answers. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Decides the answer to a request. */
export type Router = (request: IncomingMessage, url: URL) => Promise<Reply>

/** An answer that ends the work on a request from anywhere in a route. */
export class HttpError extends Error {
  readonly reply: Reply

  constructor(
    status: number,
    code: string,
    message: string,
    extra: Partial<Reply> & { outcome?: string } = {},
  ) {
    super(message)
    this.name = 'HttpError'
    const { outcome, headers } = extra
    const error = outcome === undefined ? { code, message } : { code, message, outcome }
    this.reply = { status, body: { error }, ...(headers && { headers }) }
  }
}

/** An HTTP server on loopback with limits: on the body, on the time of a request, on silence. */
export class HttpDoor {
  readonly #server: Server
  readonly #router: Router
  #draining = false

  constructor(router: Router) {
    this.#router = router
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = 1_000
  }

  /** Takes the wanted port, or any free one when another process has it. Resolves with the port. */
  async listen(port: number): Promise<number> {
    try {
      return await this.#listen(port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      return await this.#listen(0)
    }
  }

  /** Takes no new connection and resolves when every request has its answer. */
  async drain(): Promise<void> {
    this.#draining = true
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeIdleConnections()
    await closed
  }

  #listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await this.#decide(request)
    const text = `${JSON.stringify(body)}\n`
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      // A body that was refused is still under way: the connection cannot be used again.
      ...((this.#draining || !request.complete) && { connection: 'close' }),
      ...headers,
    })
    response.end(text)
  }

  async #decide(request: IncomingMessage): Promise<Reply> {
    try {
      const url = URL.canParse(request.url ?? '', 'http://shop') && new URL(request.url ?? '', 'http://shop')
      if (!url) throw new HttpError(400, 'BAD_URL', 'the address of the request is no URL')
      return await this.#router(request, url)
    } catch (error) {
      if (error instanceof HttpError) return error.reply
      if (request.destroyed && !request.complete) return GONE
      console.error(error)
      return new HttpError(500, 'INTERNAL', 'the gateway failed; its log says why').reply
    }
  }
}

/** The client left before its request was complete; nobody reads this. */
const GONE: Reply = { status: 400, body: {} }

/** The body as JSON, at most `bytesMax` long. */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\b/i.test(type)) {
    const seen = type === '' ? 'missing' : JSON.stringify(type.slice(0, 80))
    throw new HttpError(415, 'NOT_JSON', `content-type is ${seen}; send -H 'content-type: application/json'`)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop early must not destroy the connection: the refusal still has to go out on it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new HttpError(413, 'TOO_LARGE', `the body is larger than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new HttpError(400, 'NOT_JSON', 'the body is not JSON in UTF-8; an order is {"item":"HHKB键盘"}')
  }
}
