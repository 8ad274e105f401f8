import { isMainThread, parentPort } from 'node:worker_threads'
import { assert } from '../base/index.ts'
import { type DiskOperations, diskOperations } from './disk-operations.ts'

// The worker's side of `disk-thread.ts`: takes requests one after another and answers each in its turn.

assert(!isMainThread && parentPort, 'this module is started by DiskThread')
const port = parentPort

type AnyOperation = (...given: readonly unknown[]) => unknown

port.on('message', ([name, ...given]: [keyof DiskOperations, ...unknown[]]) => {
  try {
    const result = (diskOperations[name] as AnyOperation)(...given)
    port.postMessage({ result }, result instanceof Uint8Array ? [result.buffer as ArrayBuffer] : [])
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    port.postMessage({ failure: { message, code: code ?? 'UNKNOWN' } })
  }
})
