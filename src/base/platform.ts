/**
 * The names that public signatures take from the platform, declared here so that they compile under plain
 * `lib: es2022`, without the DOM and without @types/node. Where one of those is present, the declarations merge.
 */
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
  interface AbortSignal {
    readonly aborted: boolean
  }
}

/** A thing that must be closed. Closing twice is fine; closing finishes what was accepted. */
export interface AsyncClosable {
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
