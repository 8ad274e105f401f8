import { checkKnownOptions, invalidOption, wholeNumberOption } from '../base/index.ts'

/** All optional; sizes in bytes, times in milliseconds. */
export interface WriteAheadLogOptions {
  /**
   * Size of one file of the log. Default 8 MiB. Smaller: more files, more often a new one to fill with zeros.
   * Larger: space comes back in larger steps, and opening a log reads more.
   */
  readonly segmentBytes?: number
  /**
   * The most that one write and sync carries, and so the largest record with its fields: see
   * `LogStream.maxRecordBytes`. Default 2 MiB: an entry of 1 MiB fits with all that is put around it. Smaller: more
   * syncs under load. Larger: whoever arrives during a sync waits longer for it.
   */
  readonly maxBatchBytes?: number
  /** Bytes that may wait for the disk before writes are refused. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /**
   * Bound on all segments together. Default 1 GiB. A quarter of it may be live; then writes of bulk streams are
   * refused (`STORAGE_LOG_FULL`), and those of consensus streams when the last segments fill up.
   */
  readonly maxLogBytes?: number
  /**
   * Bytes that stay free on the disk: below, bulk streams are refused (`STORAGE_DISK_FULL`). Consensus streams may
   * use half of it. Default 128 MiB. Too small: other programs fail first.
   */
  readonly minFreeBytes?: number
  /**
   * How long the log is idle before it notes on disk that its last batch was durable. Default 20 ms. Until then
   * damage to that batch cannot be told from a write that was cut short, and would be cut instead of refused.
   */
  readonly markAfterMs?: number
}

export type ResolvedWriteAheadLogOptions = Required<WriteAheadLogOptions>

export const WRITE_AHEAD_LOG_DEFAULTS: ResolvedWriteAheadLogOptions = {
  segmentBytes: 8 * 2 ** 20,
  maxBatchBytes: 2 * 2 ** 20,
  maxPendingBytes: 64 * 2 ** 20,
  maxLogBytes: 2 ** 30,
  minFreeBytes: 128 * 2 ** 20,
  markAfterMs: 20,
}

const WHERE = 'WriteAheadLog.open'
/** A log needs segments to copy from, to write to and in reserve. */
const SEGMENTS_MIN = 8

export function resolveWriteAheadLogOptions(
  options: WriteAheadLogOptions = {},
): ResolvedWriteAheadLogOptions {
  checkKnownOptions(WHERE, options, Object.keys(WRITE_AHEAD_LOG_DEFAULTS))
  const whole = (name: keyof WriteAheadLogOptions, min: number, max?: number): number =>
    wholeNumberOption(WHERE, name, options[name], WRITE_AHEAD_LOG_DEFAULTS[name], min, max)
  const resolved = {
    segmentBytes: whole('segmentBytes', 16 * 1024, 2 ** 30),
    maxBatchBytes: whole('maxBatchBytes', 1024, 2 ** 28),
    maxPendingBytes: whole('maxPendingBytes', 1024),
    maxLogBytes: whole('maxLogBytes', 1024),
    minFreeBytes: whole('minFreeBytes', 0),
    markAfterMs: whole('markAfterMs', 1, 60_000),
  }
  if (resolved.segmentBytes % 4096 !== 0)
    throw invalidOption(WHERE, 'segmentBytes', resolved.segmentBytes, 'a multiple of 4096')
  if (resolved.maxBatchBytes > resolved.segmentBytes / 4)
    throw invalidOption(WHERE, 'maxBatchBytes', resolved.maxBatchBytes, 'up to a quarter of segmentBytes')
  if (resolved.maxLogBytes < SEGMENTS_MIN * resolved.segmentBytes)
    throw invalidOption(WHERE, 'maxLogBytes', resolved.maxLogBytes, `from ${SEGMENTS_MIN} times segmentBytes`)
  return resolved
}
