/** What a verb ends with. Scripts rely on them. */
export const EXIT = {
  OK: 0,
  /** It was tried and did not succeed. */
  FAILED: 1,
  /** The command line makes no sense; nothing was tried. */
  USAGE: 2,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
