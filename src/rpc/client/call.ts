import { rpcError } from '../core/index.ts'

/**
 * A call that was sent. It is a promise of the result, and can be iterated where the method streams; which of both
 * it is, the provider decides.
 */
export class Call<Result> extends Promise<Result> implements AsyncIterable<never> {
  /** What `then` returns is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Iterating the answer of a method that returns one value fails with `RPC_NOT_A_STREAM`. */
  [Symbol.asyncIterator](): AsyncIterator<never> {
    return {
      next: async () => {
        await this
        throw rpcError('RPC_NOT_A_STREAM', 'this method answered with one value: use await, not for await')
      },
    }
  }
}
