/** First and longest pause between attempts to reach a registry, ms. */
const RETRY_DELAY_MS_MIN = 50
const RETRY_DELAY_MS_MAX = 5_000

/** Doubles with each attempt (from 0), and differs between processes by up to half, so that they do not return at once. */
export function retryDelayMs(attempt: number, randomUint32: number): number {
  const full = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** Math.min(attempt, 16))
  return full / 2 + (full / 2) * (randomUint32 / 2 ** 32)
}
