export type StreamOperation =
  | { readonly type: 'append'; readonly records: readonly string[] }
  | { readonly type: 'state'; readonly state: string; readonly records: readonly string[] }
  | { readonly type: 'cut-after'; readonly index: number }
  | { readonly type: 'cut-up-to'; readonly index: number }
  | { readonly type: 'drop' }

/** What a stream holds: records `base + 1` and on, and the state beside them. */
export interface StreamContent {
  readonly base: number
  readonly records: readonly string[]
  readonly state: string
}

const EMPTY: StreamContent = { base: 0, records: [], state: '' }

interface Bounds {
  readonly base: number
  readonly last: number
}

interface Begun {
  readonly operation: StreamOperation
  end: 'waiting' | 'durable' | 'refused' | 'unknown'
}

/** What one stream was asked to hold, and how much of that it promised. */
export class StreamModel {
  readonly name: string
  /** With everything that was acknowledged. */
  #durable: StreamContent = EMPTY
  /** Asked for since, in order. */
  #begun: Begun[] = []
  #planned: Bounds = { base: 0, last: 0 }

  constructor(name: string) {
    this.name = name
  }

  get isIdle(): boolean {
    return this.#begun.length === 0
  }

  /** Base and last index once everything that was asked for is done. */
  get planned(): Bounds {
    return this.#planned
  }

  /** Returns what is told the end of the operation. */
  begin(operation: StreamOperation): (end: 'durable' | 'refused' | 'unknown') => void {
    const begun: Begun = { operation, end: 'waiting' }
    this.#begun.push(begun)
    this.#planned = boundsAfter(this.#planned, operation)
    return (end) => {
      begun.end = end
      if (end === 'refused') this.#forget(begun)
      // Writes of one stream end in their order, so an earlier one that still waits is an error found by accept.
      while (this.#begun[0]?.end === 'durable')
        this.#durable = after(this.#durable, this.#begun.shift()!.operation)
    }
  }

  /**
   * Compares with what a restart found: all that was acknowledged and then some part of what was asked for, in
   * order. Takes it over, or says what is wrong.
   */
  accept(found: StreamContent): string | undefined {
    if (this.#begun.some(({ end }) => end === 'durable')) return 'acknowledged out of order'
    let content = this.#durable
    for (let next = 0; !isSame(content, found); next++) {
      const begun = this.#begun[next]
      if (!begun)
        return `expected ${shown(this.#durable)} and up to ${this.#begun.length} more, found ${shown(found)}`
      content = after(content, begun.operation)
    }
    this.#durable = content
    this.#begun = []
    this.#planned = boundsOf(content)
    return undefined
  }

  #forget(refused: Begun): void {
    this.#begun = this.#begun.filter((other) => other !== refused)
    this.#planned = boundsOf(this.#durable)
    for (const { operation } of this.#begun) this.#planned = boundsAfter(this.#planned, operation)
  }
}

function after(content: StreamContent, operation: StreamOperation): StreamContent {
  const { base, records } = content
  switch (operation.type) {
    case 'append':
      return { ...content, records: [...records, ...operation.records] }
    case 'state':
      return { base, state: operation.state, records: [...records, ...operation.records] }
    case 'cut-after':
      return { ...content, records: records.slice(0, operation.index - base) }
    case 'cut-up-to':
      if (operation.index <= base) return content
      return { ...content, base: operation.index, records: records.slice(operation.index - base) }
    case 'drop':
      return EMPTY
  }
}

function boundsOf({ base, records }: StreamContent): Bounds {
  return { base, last: base + records.length }
}

function boundsAfter({ base, last }: Bounds, operation: StreamOperation): Bounds {
  switch (operation.type) {
    case 'append':
    case 'state':
      return { base, last: last + operation.records.length }
    case 'cut-after':
      return { base, last: operation.index }
    case 'cut-up-to':
      return { base: Math.max(base, operation.index), last: Math.max(last, operation.index) }
    case 'drop':
      return { base: 0, last: 0 }
  }
}

function isSame(a: StreamContent, b: StreamContent): boolean {
  return (
    a.base === b.base &&
    a.state === b.state &&
    a.records.length === b.records.length &&
    a.records.every((record, i) => record === b.records[i])
  )
}

function shown({ base, records, state }: StreamContent): string {
  const names = records.map((record) => record.slice(0, record.indexOf('.')))
  return `[from ${base + 1}: ${names.join(' ')}; ${state}]`
}
