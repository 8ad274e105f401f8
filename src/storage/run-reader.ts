import { storageError } from './errors.ts'
import { decodeItems } from './record-codec.ts'
import type { Run } from './run-index.ts'
import { readBatch } from './segment-walk.ts'

/**
 * Reads the records of a run back; `STORAGE_CORRUPT` if the disk gives back something else than was written. The read
 * is asked for before this returns: as long as the run is looked up in the same turn, its file is still open.
 */
export async function readRun(run: Run, seed: number): Promise<Uint8Array[]> {
  const { segment, batchAt, batchBytes, itemsAt, first } = run.place
  const batch = await readBatch(segment, batchAt, batchBytes, seed)
  if (!batch)
    throw storageError(
      'STORAGE_CORRUPT',
      `${segment.path}: the batch at byte ${batchAt}, which was acknowledged, is damaged`,
    )
  return decodeItems(batch, itemsAt, first, run.first, run.last)
}
