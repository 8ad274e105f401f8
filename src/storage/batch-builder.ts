import { assert } from '../base/index.ts'
import type { ByteWriter } from '../bytes/index.ts'
import type { CommitUnit, CopyUnit } from './commit-queue.ts'
import {
  beginRecords,
  endRecords,
  type LogRecord,
  writeDrop,
  writeItem,
  writeState,
  writeTruncation,
} from './record-codec.ts'
import type { StreamState } from './stream-state.ts'

/** Writes the records of one batch and remembers where they are. The writer holds room for the header already. */
export class BatchBuilder {
  readonly #writer: ByteWriter
  /** In the order of the bytes, which is the order in which they take effect. */
  readonly records: LogRecord[] = []
  #open:
    | { readonly stream: StreamState; readonly first: number; readonly at: number; count: number }
    | undefined

  constructor(writer: ByteWriter) {
    this.#writer = writer
  }

  /**
   * Copies come before all units of the batch: they take what lives now, and a truncation in the same batch must
   * find it in its new place.
   */
  addCopy(copy: CopyUnit): void {
    assert(!this.#open, 'copies come first')
    const { stream } = copy
    if (copy.valuesIn && stream.baseSegment === copy.valuesIn)
      this.#truncate(stream, 'truncate-prefix', stream.base)
    if (copy.valuesIn && stream.stateSegment === copy.valuesIn) this.#state(stream, stream.state!)
    for (const { place, first, items } of copy.runs) {
      for (const living of stream.index.livingAt(place, first, first + items.length - 1)) {
        this.#continueCopy(stream, living.first)
        for (let index = living.first; index <= living.last; index++) this.#item(items[index - first]!)
      }
    }
    this.#end('copy')
  }

  addUnit(unit: CommitUnit): void {
    const { stream, write } = unit
    if (this.#open && (this.#open.stream !== stream || !isPlainAppend(unit))) this.#end('append')
    if (write.drop) this.#drop(stream)
    if (write.state) this.#state(stream, write.state)
    if (write.truncateAfter !== undefined) this.#truncate(stream, 'truncate-suffix', write.truncateAfter)
    if (write.records && write.records.length > 0) {
      if (!this.#open) this.#begin(stream, 'append', unit.first)
      for (const item of write.records) this.#item(item)
    }
    if (write.truncateUpTo !== undefined) {
      this.#end('append')
      this.#truncate(stream, 'truncate-prefix', write.truncateUpTo)
    }
  }

  finish(): void {
    this.#end('append')
  }

  #continueCopy(stream: StreamState, first: number): void {
    if (this.#open && this.#open.first + this.#open.count === first) return
    this.#end('copy')
    this.#begin(stream, 'copy', first)
  }

  #begin(stream: StreamState, type: 'append' | 'copy', first: number): void {
    this.#open = { stream, first, at: beginRecords(this.#writer, type, stream.nameBytes, first), count: 0 }
  }

  #item(item: Uint8Array): void {
    writeItem(this.#writer, item)
    this.#open!.count++
  }

  #end(type: 'append' | 'copy'): void {
    if (!this.#open) return
    const { stream, first, at, count } = this.#open
    endRecords(this.#writer, at, count)
    this.records.push({ type, stream: stream.name, first, count, at, bytes: this.#writer.length - at })
    this.#open = undefined
  }

  #truncate(stream: StreamState, type: 'truncate-suffix' | 'truncate-prefix', index: number): void {
    writeTruncation(this.#writer, type, stream.nameBytes, index)
    this.records.push({ type, stream: stream.name, index })
  }

  #state(stream: StreamState, state: Uint8Array): void {
    writeState(this.#writer, stream.nameBytes, state)
    this.records.push({ type: 'state', stream: stream.name, state })
  }

  #drop(stream: StreamState): void {
    writeDrop(this.#writer, stream.nameBytes)
    this.records.push({ type: 'drop', stream: stream.name })
  }
}

function isPlainAppend({ write }: CommitUnit): boolean {
  return !write.drop && !write.state && write.truncateAfter === undefined
}
