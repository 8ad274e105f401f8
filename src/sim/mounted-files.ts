import {
  AssertionError,
  type FenbuError,
  type FileErrorCode,
  type Files,
  type FolderLock,
  fileError,
  type OpenFile,
  type Random,
} from '../base/index.ts'
import { cleanPath, splitPath } from './path.ts'
import { below } from './random.ts'
import { type LossCounts, SECTOR_BYTES, VirtualFile } from './virtual-file.ts'
import type { VirtualFolder } from './virtual-folder.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'list'
  | 'makeFolder'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'freeBytes'
  | 'lock'

/** What an operation meets: nothing unusual, an error of the device, or a full disk. */
export type DiskFault = 'none' | 'error' | 'full'

/** The disk as one process's files see it. */
export interface DiskAccess {
  readonly random: Random
  readonly freeBytes: number
  readonly counts: LossCounts & { failedSyncs: number; failedWrites: number }
  fault(operation: DiskOperation, path: string): DiskFault
  find(path: string): VirtualFile | undefined
  folder(path: string): VirtualFolder | undefined
  makeFolder(path: string): void
  isLocked(folder: string): boolean
  /** Ends an operation after a while, unless its process is gone by then. */
  complete<Result>(mounted: MountedFiles, finish: () => Result): Promise<Result>
}

/**
 * One process's view of a virtual disk. An operation takes effect in the page cache when it is asked for, and is
 * answered later; a sync takes effect on the disk when it is answered, so a crash before that finds anything.
 */
export class MountedFiles implements Files {
  readonly #disk: DiskAccess
  readonly locks: Set<string> = new Set()
  isAlive = true

  constructor(disk: DiskAccess) {
    this.#disk = disk
  }

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    return this.#run('open', path, () => {
      const file = mode === 'create' ? this.#create(path) : this.#existing(path)
      return () => new MountedFile(this, this.#disk, path, file)
    })
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#run('list', folder, () => () => [...(this.#disk.folder(folder)?.names.keys() ?? [])].sort())
  }

  makeFolder(folder: string): Promise<void> {
    return this.#run('makeFolder', folder, () => () => this.#disk.makeFolder(folder))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', from, () => {
      const file = this.#existing(from)
      this.#folderOf(from).change([splitPath(from).name, undefined], [splitPath(to).name, file])
      return () => undefined
    })
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', path, () => {
      this.#existing(path)
      this.#folderOf(path).change([splitPath(path).name, undefined])
      return () => undefined
    })
  }

  syncFolder(path: string): Promise<void> {
    return this.#run('syncFolder', path, () => {
      const folder = this.#disk.folder(path)
      if (!folder) throw fileError('FILE_NOT_FOUND', `there is no folder ${path}`)
      const { position } = folder
      return () => folder.synced(position)
    })
  }

  freeBytes(folder: string): Promise<number> {
    return this.#run('freeBytes', folder, () => () => this.#disk.freeBytes)
  }

  lock(path: string): Promise<FolderLock> {
    return this.#run('lock', path, () => {
      const folder = cleanPath(path)
      if (this.#disk.isLocked(folder)) throw fileError('FILE_LOCKED', `${path} is in use by another process`)
      this.locks.add(folder)
      return () => ({ release: () => this.#run('lock', path, () => () => void this.locks.delete(folder)) })
    })
  }

  /** `begin` takes effect at once and says how the operation ends; what it throws is how it ends. */
  #run<Result>(operation: DiskOperation, path: string, begin: () => () => Result): Promise<Result> {
    return runOn(this, this.#disk, operation, path, begin)
  }

  #create(path: string): VirtualFile {
    if (this.#disk.find(path)) throw fileError('FILE_EXISTS', `${path} exists`)
    const file = new VirtualFile()
    this.#folderOf(path).change([splitPath(path).name, file])
    return file
  }

  #existing(path: string): VirtualFile {
    const file = this.#disk.find(path)
    if (!file) throw fileError('FILE_NOT_FOUND', `there is no file ${path}`)
    return file
  }

  #folderOf(path: string): VirtualFolder {
    const folder = this.#disk.folder(splitPath(path).folder)
    if (!folder) throw fileError('FILE_NOT_FOUND', `there is no folder for ${path}`)
    return folder
  }
}

class MountedFile implements OpenFile {
  readonly #mounted: MountedFiles
  readonly #disk: DiskAccess
  readonly #path: string
  readonly #file: VirtualFile
  #open = true

  constructor(mounted: MountedFiles, disk: DiskAccess, path: string, file: VirtualFile) {
    this.#mounted = mounted
    this.#disk = disk
    this.#path = path
    this.#file = file
  }

  size(): Promise<number> {
    return this.#run('read', () => () => this.#file.size)
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#run('read', () => () => this.#file.read(offset, length))
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#run('write', () => this.#write(offset, bytes))
  }

  datasync(): Promise<void> {
    return this.#run('datasync', () => this.#sync())
  }

  writeDurably(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#run('write', () => {
      this.#write(offset, bytes)
      return this.#sync()
    })
  }

  truncate(size: number): Promise<void> {
    return this.#run('truncate', () => {
      this.#file.truncate(size)
      return () => undefined
    })
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #run<Result>(operation: DiskOperation, begin: () => () => Result): Promise<Result> {
    return runOn(this.#mounted, this.#disk, operation, this.#path, () => {
      if (!this.#open) throw fileError('FILE_CLOSED', `${this.#path} was closed by this process`)
      return begin()
    })
  }

  #write(offset: number, bytes: Uint8Array): () => void {
    const growth = Math.max(0, offset + bytes.length - this.#file.size)
    const tooMuch = growth === 0 ? 0 : Math.max(0, growth - this.#disk.freeBytes)
    const fault = tooMuch > 0 ? 'full' : this.#disk.fault('write', this.#path)
    if (fault !== 'none') {
      const done = below(this.#disk.random, bytes.length - tooMuch + 1)
      this.#file.write(offset, bytes.subarray(0, wholeSectors(offset, done)))
      this.#disk.counts.failedWrites++
      throw failed(fault, 'write', this.#path)
    }
    this.#file.write(offset, bytes)
    return () => undefined
  }

  #sync(): () => void {
    const { position } = this.#file
    const fault = this.#disk.fault('datasync', this.#path)
    return () => {
      if (fault === 'none') this.#file.synced(position)
      else {
        this.#disk.counts.failedSyncs++
        this.#file.syncFailed(position, this.#disk.random, this.#disk.counts)
        throw failed(fault, 'datasync', this.#path)
      }
    }
  }
}

/** A write that fails stops between two sectors. */
function wholeSectors(offset: number, length: number): number {
  return Math.max(0, Math.floor((offset + length) / SECTOR_BYTES) * SECTOR_BYTES - offset)
}

/** Writes and syncs look for faults by themselves, since part of them happens all the same. */
function runOn<Result>(
  mounted: MountedFiles,
  disk: DiskAccess,
  operation: DiskOperation,
  path: string,
  begin: () => () => Result,
): Promise<Result> {
  const looksItself = operation === 'write' || operation === 'datasync'
  const fault = looksItself || !mounted.isAlive ? 'none' : disk.fault(operation, path)
  return disk.complete(mounted, mounted.isAlive ? endOf(fault, operation, path, begin) : () => neverHappens())
}

/** What a begun operation will do when it is answered. */
function endOf<Result>(
  fault: DiskFault,
  operation: DiskOperation,
  path: string,
  begin: () => () => Result,
): () => Result {
  if (fault !== 'none') return () => raise(failed(fault, operation, path))
  try {
    return begin()
  } catch (error) {
    return () => raise(error)
  }
}

function raise(error: unknown): never {
  throw error
}

function neverHappens(): never {
  throw new AssertionError('a dead process is not answered')
}

function failed(fault: DiskFault, operation: DiskOperation, path: string): FenbuError<FileErrorCode> {
  const code = fault === 'full' ? 'FILE_DISK_FULL' : 'FILE_FAILED'
  return fileError(code, `${operation} ${path}: the virtual disk was told to fail (${fault})`)
}
