import { type FenbuError, invalidOption } from '../../base/index.ts'

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})([-+][0-9A-Za-z.+-]{1,64})?$/
const RANGE = /^(\^?)(\d{1,9})(?:\.(\d{1,9}|x))?(?:\.(\d{1,9}|x))?$/

interface Version {
  readonly numbers: Triple
  /** `-rc.1`: comes before the release, and is taken only by who names it exactly. */
  readonly suffix: string
}

type Triple = readonly [major: number, minor: number, patch: number]

/**
 * Which versions of a service a consumer takes: `1.2.0` that one alone; `^1`, `^1.2`, `^1.2.3` from there up to the
 * next major (below 1.0.0 up to the next minor); `1`, `1.x`, `1.2`, `1.2.x` that line; `*` all.
 */
export class VersionRange {
  readonly text: string
  readonly #from: Triple
  readonly #below: Triple

  private constructor(text: string, from: Triple, below: Triple) {
    this.text = text
    this.#from = from
    this.#below = below
  }

  /** Throws `OPTION_INVALID` for what is no range. */
  static parse(where: string, text: string | undefined): VersionRange {
    const range = VersionRange.tryParse(text ?? '*')
    if (range === undefined) throw invalidRange(where, text)
    return range
  }

  static tryParse(text: string): VersionRange | undefined {
    if (text === '*' || parseVersion(text)?.suffix) return new VersionRange(text, [0, 0, 0], [0, 0, 0])
    const match = RANGE.exec(text)
    if (match === null || (match[3] === 'x' && match[4] !== undefined && match[4] !== 'x')) return undefined
    const numbers = [match[2], match[3], match[4]].map((part) =>
      part === undefined || part === 'x' ? undefined : Number(part),
    )
    return new VersionRange(
      text,
      fromOf(numbers),
      match[1] === '^' ? belowCaret(numbers) : belowLine(numbers),
    )
  }

  includes(version: string): boolean {
    if (this.text === '*' || this.text === version) return true
    const parsed = parseVersion(version)
    if (parsed === undefined || parsed.suffix !== '') return false
    return compare(parsed.numbers, this.#from) >= 0 && compare(parsed.numbers, this.#below) < 0
  }
}

/** Positive if `a` is the later version; what is no version comes first. */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a)
  const right = parseVersion(b)
  if (left === undefined || right === undefined)
    return Number(left !== undefined) - Number(right !== undefined)
  return compare(left.numbers, right.numbers) || Number(left.suffix === '') - Number(right.suffix === '')
}

/** Checks the version of a provider: three numbers, perhaps with a suffix. */
export function checkVersion(where: string, version: string): string {
  if (parseVersion(version) === undefined)
    throw invalidOption(where, 'version', version, 'three numbers, such as 1.2.0')
  return version
}

function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text)
  if (match === null) return undefined
  return { numbers: [Number(match[1]), Number(match[2]), Number(match[3])], suffix: match[4] ?? '' }
}

function compare(a: Triple, b: Triple): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

type Numbers = readonly (number | undefined)[]

function fromOf(numbers: Numbers): Triple {
  return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0]
}

function belowLine([major = 0, minor, patch]: Numbers): Triple {
  if (minor === undefined) return [major + 1, 0, 0]
  return patch === undefined ? [major, minor + 1, 0] : [major, minor, patch + 1]
}

/** The leftmost number that is not zero may not change. */
function belowCaret([major = 0, minor, patch]: Numbers): Triple {
  if (major > 0 || minor === undefined) return [major + 1, 0, 0]
  if (minor > 0 || patch === undefined) return [0, minor + 1, 0]
  return [0, 0, patch + 1]
}

function invalidRange(where: string, text: unknown): FenbuError {
  return invalidOption(where, 'version', text, '1.2.0, ^1, ^1.2, ^1.2.3, 1.x, 1.2.x or *')
}
