/** The host's kind of date. The pure zone has none: there, a date is a number of milliseconds since 1970. */
export interface Dates {
  /** Milliseconds, NaN for an invalid date; undefined for what is no date. */
  toMs(value: object): number | undefined
  fromMs(ms: number): object
}
