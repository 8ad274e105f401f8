import { isFenbuError } from '../base/index.ts'

const CODES: readonly string[] = ['STORAGE_OVERLOADED', 'STORAGE_DISK_FULL', 'STORAGE_LOG_FULL']

/** A write that had no effect and may be tried again later: there was no room for it. */
export function isForWantOfRoom(error: unknown): boolean {
  return isFenbuError(error) && CODES.includes(error.code)
}
