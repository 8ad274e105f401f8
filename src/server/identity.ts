import { randomBytes } from 'node:crypto'
import { type Files, isFenbuError } from '../base/index.ts'
import { crc32 } from '../bytes/index.ts'
import { serverError } from './errors.ts'

/** Whose data a folder holds. Made once with the folder, and never guessed: without it there is no acting on the data. */
export interface ServerIdentity {
  /** The cluster, 32 hexadecimal digits. A restored backup becomes another one. */
  readonly clusterId: string
  /** This server within the cluster, 16 hexadecimal digits. */
  readonly nodeId: string
  /** This life of the server: a folder that was lost and made anew has another, 16 hexadecimal digits. */
  readonly incarnation: string
}

const FILE = 'identity.json'
const TEMPORARY = 'identity.json.new'
const FORMAT = 1
const STRANGERS_SHOWN = 3
/** What a folder may hold before it has an identity: claims, and an identity that was never finished. */
const HARMLESS = /^(lock\..*|identity\.json\.new)$/
const FILE_BYTES_MAX = 4096

/**
 * The identity of the folder at `files`' root; an empty folder gets a new one, durable before it is returned.
 * Fails with `SERVER_DATA_FOREIGN`, `SERVER_IDENTITY_CORRUPT` and `FILE_…`.
 */
export async function openIdentity(files: Files, shownFolder: string): Promise<ServerIdentity> {
  await refuseForeign(files, shownFolder)
  const text = await readText(files)
  if (text !== undefined) return decodeIdentity(text, `${shownFolder}/${FILE}`)
  const identity = newIdentity()
  await writeText(files, encodeIdentity(identity))
  return identity
}

/** Fails with `SERVER_DATA_FOREIGN` if the folder is neither empty nor a server's; writes nothing. */
export async function refuseForeign(files: Files, shownFolder: string): Promise<void> {
  const names = await files.list('.')
  if (names.includes(FILE)) return
  const strangers = names.filter((name) => !HARMLESS.test(name))
  if (strangers.length === 0) return
  const shown = strangers.slice(0, STRANGERS_SHOWN).join(', ')
  throw serverError(
    'SERVER_DATA_FOREIGN',
    `${shownFolder} has no ${FILE}, but it has ${shown}; use an empty folder or a complete backup`,
  )
}

export function encodeIdentity(identity: ServerIdentity): string {
  const { clusterId, nodeId, incarnation } = identity
  return `${JSON.stringify({ format: FORMAT, clusterId, nodeId, incarnation, check: checkOf(identity) })}\n`
}

/** `file` is shown in errors. */
export function decodeIdentity(text: string, file: string): ServerIdentity {
  const { format, clusterId, nodeId, incarnation, check } = parseObject(text)
  const corrupt = (what: string): Error =>
    serverError('SERVER_IDENTITY_CORRUPT', `${file} ${what}; restore it from a backup of this folder`)
  if (format !== FORMAT)
    throw corrupt(`has format ${String(format).slice(0, 40)}, this version reads ${FORMAT}`)
  if (!isHex(clusterId, 32) || !isHex(nodeId, 16) || !isHex(incarnation, 16)) throw corrupt('lacks an id')
  const identity = { clusterId, nodeId, incarnation }
  if (check !== checkOf(identity)) throw corrupt('does not match its checksum')
  return identity
}

function newIdentity(): ServerIdentity {
  const id = (bytes: number): string => randomBytes(bytes).toString('hex')
  return { clusterId: id(16), nodeId: id(8), incarnation: id(8) }
}

function checkOf({ clusterId, nodeId, incarnation }: ServerIdentity): string {
  return crc32(new TextEncoder().encode(clusterId + nodeId + incarnation))
    .toString(16)
    .padStart(8, '0')
}

async function readText(files: Files): Promise<string | undefined> {
  try {
    const file = await files.open(FILE, 'read')
    try {
      return new TextDecoder().decode(await file.read(0, FILE_BYTES_MAX))
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isFenbuError(error, 'FILE_NOT_FOUND')) return undefined
    throw error
  }
}

/** All of it or nothing, and durable: written aside, synced, renamed, the folder synced. */
async function writeText(files: Files, text: string): Promise<void> {
  if ((await files.list('.')).includes(TEMPORARY)) await files.remove(TEMPORARY)
  const file = await files.open(TEMPORARY, 'create')
  try {
    await file.writeDurably(0, new TextEncoder().encode(text))
  } finally {
    await file.close()
  }
  await files.rename(TEMPORARY, FILE)
  await files.syncFolder('.')
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // An unreadable file has no format: the caller refuses it.
    return {}
  }
}

function isHex(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value)
}
