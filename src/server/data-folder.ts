import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type FolderLock, isFenbuError } from '../base/index.ts'
import { type NodeFiles, nodeFiles } from '../host/index.ts'
import { serverError } from './errors.ts'
import { openIdentity, refuseForeign, type ServerIdentity } from './identity.ts'

/** A folder that this server alone may use, and whose identity is known. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string
  readonly files: NodeFiles
  readonly identity: ServerIdentity
  /** Lets others have it; removes it if it is temporary. */
  close(): Promise<void>
}

/** Claims and identifies a folder; without a path, one that ends with the server. */
export async function openDataFolder(path: string | undefined): Promise<DataFolder> {
  const folder = path === undefined ? await mkdtemp(join(tmpdir(), 'fenbu-')) : resolve(path)
  await mkdir(folder, { recursive: true })
  const files = nodeFiles(folder)
  const close = async (lock?: FolderLock): Promise<void> => {
    await lock?.release()
    await files.close()
    if (path === undefined) await rm(folder, { recursive: true, force: true })
  }
  let lock: FolderLock | undefined
  try {
    // Before anything is written into a folder that may be somebody else's.
    await refuseForeign(files, folder)
    lock = await claim(files, folder)
    const identity = await openIdentity(files, folder)
    return { path: folder, files, identity, close: () => close(lock) }
  } catch (error) {
    await close(lock)
    throw error
  }
}

async function claim(files: NodeFiles, folder: string): Promise<FolderLock> {
  try {
    return await files.lock('.')
  } catch (cause) {
    if (!isFenbuError(cause, 'FILE_LOCKED')) throw cause
    throw serverError('SERVER_DATA_IN_USE', `${folder} belongs to a running server: ${cause.message}`, {
      cause,
    })
  }
}
