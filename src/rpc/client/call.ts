import { rpcError } from '../core/index.ts'

/**
 * A call that was sent: a promise of its result, which can also be iterated where the method streams. Which of both
 * it is, the provider decides; iterating one value fails with `RPC_NOT_A_STREAM`.
 */
export type Call<Result> = Promise<Result> & AsyncIterable<never>

type Executor<Result> = (resolve: (value: Result) => void, reject: (error: unknown) => void) => void

/** A promise of the language itself with one property more: awaiting a subclass costs five times as much. */
export function makeCall<Result>(executor: Executor<Result>): Call<Result> {
  const call = new Promise<Result>(executor) as Promise<Result> & { [Symbol.asyncIterator]: typeof iterate }
  call[Symbol.asyncIterator] = iterate
  return call
}

function iterate(this: Promise<unknown>): AsyncIterator<never> {
  return {
    next: async () => {
      await this
      throw rpcError('RPC_NOT_A_STREAM', 'this method answers with one value: use await instead of for await')
    },
  }
}
