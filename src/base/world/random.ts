/** A source of randomness; each user gets a stream of its own, so that one more draw here changes nothing there. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number
  /** An independent stream, determined by this stream's seed and the name alone. */
  split(name: string): Random
}
