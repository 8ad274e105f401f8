import { type ErrorDetails, type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type ClusterErrorCode =
  | 'CLUSTER_REJECTED'
  | 'CLUSTER_UNKNOWN'
  | 'CLUSTER_OVERLOADED'
  | 'CLUSTER_FAILED'
  | 'CLUSTER_CLOSED'
  | 'CLUSTER_STATE_DIFFERS'
  | 'CLUSTER_LOG_MISSING'

/** Errors of replicas. */
export const CLUSTER_ERRORS: ErrorTable<ClusterErrorCode> = {
  CLUSTER_REJECTED: {
    outcome: 'not-executed',
    meaning: 'A proposal or a read was refused before it had any effect.',
    remedy: 'Try again, at the leader that the message names if it names one.',
  },
  CLUSTER_UNKNOWN: {
    outcome: 'unknown',
    meaning: 'A proposal was handed to the log and this node cannot tell whether it was committed.',
    remedy: 'Read the state before proposing again, unless the operation is idempotent.',
  },
  CLUSTER_OVERLOADED: {
    outcome: 'not-executed',
    meaning: 'More bytes of proposals wait for the disk than are allowed to.',
    remedy: 'Propose less at once, or raise maxUnwrittenBytes.',
  },
  CLUSTER_FAILED: {
    outcome: 'unknown',
    meaning: 'The replica stopped: its disk failed, or applying an entry did.',
    remedy: 'The cause says which. Restart the node; if it fails again at the same place, report it.',
  },
  CLUSTER_CLOSED: {
    outcome: 'not-executed',
    meaning: 'The replica was closed by this process.',
    remedy: 'Do not use it after close().',
  },
  CLUSTER_STATE_DIFFERS: {
    outcome: 'not-executed',
    meaning: 'A snapshot, once loaded, is not the state it was taken of: its digest differs.',
    remedy: 'Restore the folder from a backup, or start the version that wrote it; then report it.',
  },
  CLUSTER_LOG_MISSING: {
    outcome: 'not-executed',
    meaning:
      'The log does not reach back to the snapshot, or is empty beside one: part of the data folder is gone.',
    remedy: 'Restore the whole folder from one backup, or rejoin the cluster with an empty folder.',
  },
}

export const clusterError: (
  code: ClusterErrorCode,
  message: string,
  details?: ErrorDetails,
) => FenbuError<ClusterErrorCode> = errorFactory(CLUSTER_ERRORS)
