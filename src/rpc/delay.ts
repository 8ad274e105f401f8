/** Longest delay of a timer, ms: 24 days. A longer one would fire at once. */
export const DELAY_MS_MAX: number = 2 ** 31 - 1
