import type { Zxid } from '../core/index.ts'
import type { ServerStatistics } from './server-statistics.ts'

/** Every command that a ZooKeeper server may be asked in four letters instead of a handshake. */
const WORDS: ReadonlySet<string> = new Set(
  'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk wchc wchp wchs'.split(' '),
)

export const WORD_BYTES = 4

export interface ServerReport {
  readonly version: string
  readonly statistics: ServerStatistics
  readonly outstanding: number
  readonly zxid: Zxid
  readonly nodeCount: number
}

/** The four-letter word at `start`, if there is one. No packet is mistaken for it: its length would be 1.6 GB. */
export function wordAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < WORD_BYTES) return undefined
  const word = String.fromCharCode(bytes[start]!, bytes[start + 1]!, bytes[start + 2]!, bytes[start + 3]!)
  return WORDS.has(word) ? word : undefined
}

/** The answer as text; `srvr` and `envi` in the lines that clients and monitors parse. */
export function answerWord(word: string, report: () => ServerReport): string {
  if (word === 'ruok') return 'imok'
  if (word === 'srvr') return describe(report())
  if (word === 'envi') return `Environment:\nzookeeper.version=${versionLine(report().version)}\n`
  return `${word} is not executed because it is not in the whitelist.\n`
}

function describe({ version, statistics, outstanding, zxid, nodeCount }: ServerReport): string {
  const { min, average, max } = statistics.latencyMs
  return [
    `Zookeeper version: ${versionLine(version)}`,
    `Latency min/avg/max: ${Math.floor(min)}/${average.toFixed(1)}/${Math.floor(max)}`,
    `Received: ${statistics.received}`,
    `Sent: ${statistics.sent}`,
    `Connections: ${statistics.connections}`,
    `Outstanding: ${outstanding}`,
    `Zxid: 0x${hexZxid(zxid)}`,
    'Mode: standalone',
    `Node count: ${nodeCount}`,
    '',
  ].join('\n')
}

/** First the version whose semantics these are: clients read it to know what they may ask for. */
function versionLine(version: string): string {
  return `3.8.0-fenbu-${version}, built on -`
}

function hexZxid({ epoch, counter }: Zxid): string {
  return epoch === 0 ? counter.toString(16) : epoch.toString(16) + counter.toString(16).padStart(8, '0')
}
