import type { AsyncClosable } from '../base/index.ts'
import { nodeFiles, nodeRandom, nodeTimers } from '../host/index.ts'
import type { WriteAheadLogOptions } from './options.ts'
import { WriteAheadLog } from './write-ahead-log.ts'

/** A log on a real disk, with the threads that write it. */
export interface DiskLog extends AsyncClosable {
  readonly log: WriteAheadLog
}

/** Opens the log in `folder` (made when needed) of this machine's disk. Fails with `STORAGE_…` or `FILE_…`. */
export async function openDiskLog(folder: string, options: WriteAheadLogOptions = {}): Promise<DiskLog> {
  const files = nodeFiles(folder)
  try {
    const log = await WriteAheadLog.open({ files, timers: nodeTimers, random: nodeRandom }, '.', options)
    const close = async (): Promise<void> => {
      await log.close()
      await files.close()
    }
    return { log, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await files.close()
    throw error
  }
}
