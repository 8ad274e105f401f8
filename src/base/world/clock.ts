/** Two clocks, never mixed: deadlines use the monotonic one, people read the wall clock. */
export interface Clock {
  /** Milliseconds (with fraction) since an arbitrary start; never goes back. */
  monotonicMs(): number
  /** Milliseconds since 1970 UTC; may jump in either direction. */
  wallMs(): number
}
