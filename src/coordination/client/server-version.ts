import { type Address, dial, formatAddress, type Protocol } from '../../host/index.ts'
import { coordinationError } from '../core/index.ts'
import type { ResolvedClientOptions } from './options.ts'

const ANSWER_BYTES_MAX = 64 * 1024

/** The answer to a four-letter word: text until the server closes. */
const textProtocol: Protocol = { name: 'four-letter word', frameLength: (_bytes, start, end) => end - start }

/** Asks one server after the other `srvr`, over a connection of its own, for the product and version in the answer. */
export async function askServerVersion(
  hosts: readonly Address[],
  options: ResolvedClientOptions,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string> {
  const failures: unknown[] = []
  for (const host of hosts) {
    try {
      return await versionOf(host, options, timeoutMs / hosts.length, signal)
    } catch (error) {
      signal?.throwIfAborted()
      failures.push(error)
    }
  }
  throw coordinationError(
    'COORDINATION_CONNECTION_LOSS',
    `srvr: no answer from ${hosts.map(formatAddress).join(', ')} within ${timeoutMs} ms`,
    { outcome: 'not-executed', cause: failures[0] },
  )
}

async function versionOf(
  host: Address,
  options: ResolvedClientOptions,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const text = await fourLetterWord('srvr', host, options, Math.max(1, Math.floor(timeoutMs)), signal)
  const version = /^Zookeeper version: ([^,\n]+)/m.exec(text)?.[1]
  if (version !== undefined) return product(version.trim())
  throw coordinationError(
    'COORDINATION_UNIMPLEMENTED',
    `srvr: ${formatAddress(host)} answered ${JSON.stringify(text.slice(0, 80))}`,
  )
}

/** Builds of ZooKeeper have their commit behind the version, this server has its own name and version there. */
function product(version: string): string {
  const [, level, build] = /^([^-]+)-fenbu-(.+)$/.exec(version) ?? []
  if (build !== undefined) return `fenbu ${build} (ZooKeeper ${level})`
  return `ZooKeeper ${version.replace(/-([0-9a-f]{40}|\$\{.*\})$/, '')}`
}

async function fourLetterWord(
  word: string,
  address: Address,
  options: ResolvedClientOptions,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const connection = await dial(address, textProtocol, {
    connectTimeoutMs: timeoutMs,
    ...(options.tls && { tls: options.tls }),
    ...(signal && { signal }),
    connection: { handshakeTimeoutMs: timeoutMs, maxFrameBytes: ANSWER_BYTES_MAX },
  })
  const chunks: Uint8Array[] = []
  return await new Promise<string>((resolve, reject) => {
    const abort = (): void => {
      connection.destroy()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    connection.start({
      frame: (bytes, start, end) => {
        chunks.push(new Uint8Array(bytes.subarray(start, end)))
      },
      closed: (reason) => {
        signal?.removeEventListener('abort', abort)
        const text = Buffer.concat(chunks).toString('utf8')
        if (text === '') reject(reason)
        else resolve(text)
      },
    })
    connection.writer.utf8(word)
  })
}
