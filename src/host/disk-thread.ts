import { Worker } from 'node:worker_threads'
import { type FenbuError, FILE_ERRORS, type FileErrorCode, fileError } from '../base/index.ts'
import type { DiskOperations } from './disk-operations.ts'

/**
 * A thread that does blocking file operations in the order they were asked for. What waits for it waits for the
 * disk alone, never for a look-up or a compression that occupies the shared pool (docs/adr/0001-disk-thread.md).
 * It keeps the process alive only while something is asked of it.
 */
export class DiskThread {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #ended: FenbuError<FileErrorCode> | undefined

  constructor() {
    // Flags of the process (`--input-type`, a profiler's) are not for this thread.
    this.#worker = new Worker(mainModule(), { execArgv: [] })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (cause) =>
      this.#end(fileError('FILE_FAILED', 'the disk thread failed', { cause })),
    )
    this.#worker.on('exit', () => this.#end(fileError('FILE_CLOSED', 'the disk was closed by this process')))
    // After the listeners: adding one for messages holds the process again.
    this.#worker.unref()
  }

  /** Bytes among the arguments are handed over: the caller gives up their buffer. */
  run<Name extends keyof DiskOperations>(
    name: Name,
    ...given: Parameters<DiskOperations[Name]>
  ): Promise<ReturnType<DiskOperations[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      if (this.#waiting.length === 0) this.#worker.ref()
      this.#waiting.push({
        resolve: resolve as (result: unknown) => void,
        reject,
        subject: `${name} ${given[0]}`,
      })
      const moved = given.flatMap((value) =>
        value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : [],
      )
      this.#worker.postMessage([name, ...given], moved)
    })
  }

  /** Ends the thread; what waits for it is rejected. */
  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker.unref()
    if ('failure' in answer) waiting?.reject(typedError(answer.failure, waiting.subject))
    else waiting?.resolve(answer.result)
  }

  #end(error: FenbuError<FileErrorCode>): void {
    this.#ended ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended)
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: FenbuError<FileErrorCode>) => void
  readonly subject: string
}

interface Failure {
  readonly message: string
  readonly code: string
}

type Answer = { readonly result: unknown } | { readonly failure: Failure }

const CODES: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: 'FILE_NOT_FOUND',
  EEXIST: 'FILE_EXISTS',
  EACCES: 'FILE_DENIED',
  EPERM: 'FILE_DENIED',
  EROFS: 'FILE_DENIED',
  ENOSPC: 'FILE_DISK_FULL',
  EDQUOT: 'FILE_DISK_FULL',
  EBADF: 'FILE_CLOSED',
}

function typedError({ message, code }: Failure, subject: string): FenbuError<FileErrorCode> {
  if (Object.hasOwn(FILE_ERRORS, code)) return fileError(code as FileErrorCode, message)
  const cause = Object.assign(new Error(message), { code })
  return fileError(CODES[code] ?? 'FILE_FAILED', `${subject}: ${message}`, { cause })
}

/** Threads run compiled code, also when this file is loaded as TypeScript: Node 20 cannot. */
function mainModule(): URL {
  const compiled = import.meta.url.endsWith('.ts')
    ? '../../dist/host/disk-thread-main.js'
    : './disk-thread-main.js'
  return new URL(compiled, import.meta.url)
}
