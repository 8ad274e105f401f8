import type { IgnoredReason } from './core/index.ts'

export function noneIgnored(): Record<IgnoredReason, number> {
  return { 'too-large': 0, 'not-json': 0, 'unknown-format': 0, 'invalid-field': 0, 'wrong-place': 0 }
}
