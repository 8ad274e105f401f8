import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { claimFolder, confirmClaims, releaseFolder, type WatchedClaim } from './folder-lock.ts'

/** What a disk thread can be asked for; each call blocks that thread alone. Paths are absolute. */
export interface DiskOperations {
  open(path: string, mode: 'read' | 'write' | 'create'): number
  close(descriptor: number): void
  size(descriptor: number): number
  read(descriptor: number, offset: number, length: number): Uint8Array<ArrayBuffer>
  write(descriptor: number, offset: number, bytes: Uint8Array): void
  datasync(descriptor: number): void
  writeDurably(descriptor: number, offset: number, bytes: Uint8Array): void
  truncate(descriptor: number, size: number): void
  list(folder: string): readonly string[]
  makeFolder(folder: string): void
  rename(from: string, to: string): void
  remove(path: string): void
  syncFolder(folder: string): void
  freeBytes(folder: string): number
  /** Returns the path of the claim, which `unlock` takes, or a claim that must be watched before it can be judged. */
  lock(folder: string, watched?: WatchedClaim): string | WatchedClaim
  unlock(claim: string): void
}

const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const

export const diskOperations: DiskOperations = {
  open: (path, mode) => openSync(path, FLAGS[mode]),
  close: (descriptor) => closeSync(descriptor),
  size: (descriptor) => fstatSync(descriptor).size,
  read: readFully,
  write: writeFully,
  datasync: (descriptor) => fdatasyncSync(descriptor),
  writeDurably(descriptor, offset, bytes) {
    confirmClaims()
    writeFully(descriptor, offset, bytes)
    fdatasyncSync(descriptor)
    confirmClaims()
  },
  truncate: (descriptor, size) => ftruncateSync(descriptor, size),
  list: listNames,
  makeFolder: makeFolderDurably,
  rename: (from, to) => renameSync(from, to),
  remove: (path) => rmSync(path),
  syncFolder: syncNames,
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  },
  lock: claimFolder,
  unlock: releaseFolder,
}

function readFully(descriptor: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(descriptor, bytes, filled, length - filled, offset + filled)
    if (count === 0) return bytes.slice(0, filled)
    filled += count
  }
  return bytes
}

function writeFully(descriptor: number, offset: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length)
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written)
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function makeFolderDurably(folder: string): void {
  const first = mkdirSync(folder, { recursive: true })
  if (first === undefined) return
  // Every folder from the topmost new one down is a new name in its parent.
  for (let made = folder; made.length >= first.length; made = dirname(made)) syncNames(dirname(made))
}

function syncNames(folder: string): void {
  // Windows has no handle of a folder that could be synced; its file system journals names.
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
