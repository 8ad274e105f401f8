/** A small wrong change to the source that some test must notice. */
export interface Mutant {
  /** What is wrong, in a few words; FENBU_MUTANT takes it. */
  readonly id: string
  /** The source file, from the root of the repository. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** What would happen to a user if nobody noticed. */
  readonly why: string
  /** The test files that are run; each passes without the mutant. */
  readonly tests: readonly string[]
  /** Only tests whose titles match are run. */
  readonly title?: string
}
