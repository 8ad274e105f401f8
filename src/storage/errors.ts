import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type StorageErrorCode =
  | 'STORAGE_CORRUPT'
  | 'STORAGE_FOREIGN'
  | 'STORAGE_VERSION'
  | 'STORAGE_FAILED'
  | 'STORAGE_DISK_FULL'
  | 'STORAGE_LOG_FULL'
  | 'STORAGE_OVERLOADED'
  | 'STORAGE_TOO_LARGE'
  | 'STORAGE_NOT_KEPT'
  | 'STORAGE_CLOSED'

/** Errors of the write-ahead log and of snapshots. */
export const STORAGE_ERRORS: ErrorTable<StorageErrorCode> = {
  STORAGE_CORRUPT: {
    outcome: 'not-executed',
    meaning: 'Data that was acknowledged as durable is damaged or missing. Nothing was changed.',
    remedy:
      'The message names the file and the offset. Restore the folder from a backup, or remove it and let the node ' +
      'rejoin its cluster as a new member; never cut the damage out by hand.',
  },
  STORAGE_FOREIGN: {
    outcome: 'not-executed',
    meaning: 'A file in the folder was not written by this log.',
    remedy: 'Point the server at its own data folder, or move the file that the message names away.',
  },
  STORAGE_VERSION: {
    outcome: 'not-executed',
    meaning: 'A file was written in a format that this version does not know.',
    remedy: 'Start the version that wrote it, or a newer one.',
  },
  STORAGE_FAILED: {
    outcome: 'unknown',
    meaning: 'A write or a sync failed; the log takes no more writes, because a retry may falsely succeed.',
    remedy: 'Stop the node, check the disk (the cause says what it reported), start again: recovery decides.',
  },
  STORAGE_DISK_FULL: {
    outcome: 'not-executed',
    meaning: 'Too little space is free for a new segment of the log.',
    remedy: 'Free space on the disk; the log goes on by itself. minFreeBytes says how much must stay free.',
  },
  STORAGE_LOG_FULL: {
    outcome: 'not-executed',
    meaning: 'The log holds as many live bytes as it may.',
    remedy: 'Take snapshots or settle messages so that older records are let go, or raise maxLogBytes.',
  },
  STORAGE_OVERLOADED: {
    outcome: 'not-executed',
    meaning: 'More bytes wait for the disk than are allowed to.',
    remedy: 'Write less at once, or raise maxPendingBytes.',
  },
  STORAGE_TOO_LARGE: {
    outcome: 'not-executed',
    meaning: 'One write is larger than a batch may be.',
    remedy: 'Write less in one unit, or raise maxBatchBytes and segmentBytes.',
  },
  STORAGE_NOT_KEPT: {
    outcome: 'not-executed',
    meaning: 'Records were asked for that the log no longer has, or never had.',
    remedy: 'Read from firstIndex on; what came before is in a snapshot.',
  },
  STORAGE_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The log was closed by this process.',
    remedy: 'Do not use it after close().',
  },
}

export const storageError: (
  code: StorageErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<StorageErrorCode> = errorFactory(STORAGE_ERRORS)
