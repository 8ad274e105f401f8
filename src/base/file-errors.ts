import { type ErrorTable, errorFactory, type FenbuError } from './error.ts'

export type FileErrorCode =
  | 'FILE_NOT_FOUND'
  | 'FILE_EXISTS'
  | 'FILE_DENIED'
  | 'FILE_DISK_FULL'
  | 'FILE_LOCKED'
  | 'FILE_CLOSED'
  | 'FILE_FAILED'

/** Errors of `Files`, the same from a real disk and from a simulated one. */
export const FILE_ERRORS: ErrorTable<FileErrorCode> = {
  FILE_NOT_FOUND: {
    outcome: 'not-executed',
    meaning: 'There is no file or folder of this name.',
    remedy: 'Check the path of the data folder.',
  },
  FILE_EXISTS: {
    outcome: 'not-executed',
    meaning: 'A file that was to be created exists.',
    remedy: 'Something else writes in this folder; give every server a data folder of its own.',
  },
  FILE_DENIED: {
    outcome: 'not-executed',
    meaning: 'The operating system does not let this process use the file or folder.',
    remedy: 'Check owner, permissions and whether the disk is mounted read-only.',
  },
  FILE_DISK_FULL: {
    outcome: 'unknown',
    meaning: 'The disk or the quota is full; part of the data may have been written.',
    remedy: 'Free space on the disk that holds the folder.',
  },
  FILE_LOCKED: {
    outcome: 'not-executed',
    meaning: 'Another running process, or this one, has the folder open.',
    remedy: 'Stop the process that the message names, or use another folder.',
  },
  FILE_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The file, or the disk it is on, was closed by this process.',
    remedy: 'Do not use it after close().',
  },
  FILE_FAILED: {
    outcome: 'unknown',
    meaning: 'The disk or the operating system reported an error.',
    remedy: 'The cause names it; a failing disk must be replaced.',
  },
}

export const fileError: (
  code: FileErrorCode,
  message: string,
  details?: { readonly cause?: unknown },
) => FenbuError<FileErrorCode> = errorFactory(FILE_ERRORS)
