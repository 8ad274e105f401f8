import { checkKnownOptions, wholeNumberOption } from '../base/index.ts'

/** All optional. */
export interface ReplicaOptions {
  /** How often the log is told the time, in milliseconds. Default 100. */
  readonly tickMs?: number
  /** Bytes of entries after which a snapshot is taken. Default 64 MiB. Larger: a slower start, a larger log. */
  readonly snapshotAfterBytes?: number
  /** Entries after which a snapshot is taken, if the bytes were not reached. Default 1,000,000. */
  readonly snapshotAfterEntries?: number
  /** Bytes of proposals that may wait for the disk before more are refused. Default 32 MiB. */
  readonly maxUnwrittenBytes?: number
}

export const REPLICA_DEFAULTS: Required<ReplicaOptions> = {
  tickMs: 100,
  snapshotAfterBytes: 64 * 2 ** 20,
  snapshotAfterEntries: 1_000_000,
  maxUnwrittenBytes: 32 * 2 ** 20,
}

export function resolveReplicaOptions(options: ReplicaOptions = {}): Required<ReplicaOptions> {
  const where = 'Replica.open'
  checkKnownOptions(where, options, Object.keys(REPLICA_DEFAULTS))
  const whole = (name: keyof ReplicaOptions, max?: number): number =>
    wholeNumberOption(where, name, options[name], REPLICA_DEFAULTS[name], 1, max)
  return {
    tickMs: whole('tickMs', 60_000),
    snapshotAfterBytes: whole('snapshotAfterBytes'),
    snapshotAfterEntries: whole('snapshotAfterEntries'),
    maxUnwrittenBytes: whole('maxUnwrittenBytes'),
  }
}
