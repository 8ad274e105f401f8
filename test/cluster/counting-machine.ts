import type {
  Entry,
  ReplicatedStateMachine,
  SnapshotCursor,
  SnapshotLoader,
} from '../../src/consensus/index.ts'

export interface CountingOutput {
  applied(index: number, text: string): void
}

/** A list of the texts that were proposed: enough to see what was applied, when, and how often. */
export class CountingMachine implements ReplicatedStateMachine<CountingOutput> {
  readonly level = 1
  texts: string[] = []
  openCursors = 0

  apply(entry: Entry, out: CountingOutput): void {
    const text = new TextDecoder().decode(entry.data)
    this.texts.push(text)
    out.applied(entry.index, text)
  }

  snapshot(): SnapshotCursor {
    const frozen = [...this.texts]
    let next = 0
    this.openCursors++
    return {
      next: (bytes) => {
        if (next >= frozen.length) return undefined
        const start = next
        for (let size = 0; next < frozen.length && size < bytes; next++) size += frozen[next]!.length
        return new TextEncoder().encode(frozen.slice(start, next).join('\n'))
      },
      close: () => {
        this.openCursors--
      },
    }
  }

  restore(): SnapshotLoader {
    const texts: string[] = []
    return {
      add: (chunk) => void texts.push(...new TextDecoder().decode(chunk).split('\n')),
      finish: () => {
        this.texts = texts
      },
    }
  }

  digest(): number {
    let hash = this.texts.length
    for (const text of this.texts)
      for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0
    return hash
  }
}
