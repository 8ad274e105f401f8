import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { Order } from './services.ts'

/**
 * The client's own list of what it was promised, one order per line of JSON, kept apart from the books so that the
 * audit can hold one against the other. A line is on disk before the order counts as accepted.
 */
export class AcceptedList {
  readonly #file: FileHandle
  #written: Promise<void> = Promise.resolve()
  #waiting: { readonly lines: string[]; readonly synced: Promise<void> } | undefined

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(path: string): Promise<AcceptedList> {
    return new AcceptedList(await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND))
  }

  /** Resolves when the line is on disk. Lines that arrive during a write share the next one. */
  add(order: Order): Promise<void> {
    if (!this.#waiting) {
      const lines: string[] = []
      this.#waiting = { lines, synced: this.#written.then(() => this.#write(lines)) }
      this.#written = this.#waiting.synced
    }
    this.#waiting.lines.push(`${JSON.stringify(order)}\n`)
    return this.#waiting.synced
  }

  async close(): Promise<void> {
    await this.#written
    await this.#file.close()
  }

  async #write(lines: readonly string[]): Promise<void> {
    this.#waiting = undefined
    await this.#file.appendFile(lines.join(''))
    await this.#file.datasync()
  }
}

/** The orders on the list; a run that accepted nothing has none. A line that was cut short was never accepted. */
export async function readAcceptedList(path: string): Promise<readonly Order[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Order)
}
