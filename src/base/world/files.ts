/**
 * The files a server keeps its state in. Implemented by `host` over a real disk and by `sim` over a virtual one
 * that loses, tears and reorders what was not synced. Paths use `/` and are relative to the world's root.
 *
 * What is durable: bytes of a file after its `datasync` resolved; a file's name (its creation, renaming or
 * removal) only after `syncFolder` of its folder resolved; a folder once `makeFolder` resolved. Nothing else.
 * A rejected promise (`FILE_…` of `file-errors.ts`) leaves the state of the call unknown; after a failed
 * `datasync` the file must not be written again (the kernel may have dropped the dirty pages and would report
 * the next one as a success).
 */
export interface Files {
  /** Opens for reading and writing. `create` makes the file (its name is not durable yet) and fails if it exists. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile>
  /** Names in a folder, sorted; an empty list for a folder that does not exist. */
  list(folder: string): Promise<readonly string[]>
  /** Makes the folder and its missing parents, durably; one that exists is fine. */
  makeFolder(folder: string): Promise<void>
  /** Within one folder, in one step: after a crash the file has its old name or the new one. Replaces `to`. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  syncFolder(folder: string): Promise<void>
  /** Bytes that can still be written on the disk that holds the folder. */
  freeBytes(folder: string): Promise<number>
  /** Claims a folder that exists for this caller alone, until `release` or the death of the process. */
  lock(folder: string): Promise<FolderLock>
}

export interface FolderLock {
  release(): Promise<void>
}

export interface OpenFile {
  size(): Promise<number>
  /** Up to `length` bytes from `offset`; shorter only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Writes all bytes at `offset`, growing the file. The buffer must not change before the promise settles. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Resolves once every earlier resolved `write` and `truncate` of this file survives a power cut. */
  datasync(): Promise<void>
  /** `write` then `datasync`, in one crossing to the disk. */
  writeDurably(offset: number, bytes: Uint8Array): Promise<void>
  truncate(size: number): Promise<void>
  /** Closes once everything that was asked of the file before is done. Closing twice is fine. */
  close(): Promise<void>
}
