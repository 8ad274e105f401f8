/**
 * ZooKeeper's rule for the path of a node: starts with a slash, does not end with one, no empty, `.` or `..` part,
 * no NUL, no control character, nothing from the surrogate and private ranges or the last sixteen code units.
 */
export function isValidPath(path: string): boolean {
  const length = path.length
  if (length === 0 || path.charCodeAt(0) !== SLASH) return false
  if (length === 1) return true
  if (path.charCodeAt(length - 1) === SLASH) return false
  let partStart = 1
  for (let i = 1; i < length; i++) {
    const unit = path.charCodeAt(i)
    if (unit === SLASH) {
      if (!isValidPart(path, partStart, i)) return false
      partStart = i + 1
    } else if (isForbidden(unit)) return false
  }
  return isValidPart(path, partStart, length)
}

/** What stands before the last slash; `''` names the root there. Undefined without a slash. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? undefined : path.slice(0, slash)
}

/** Nodes that are there from the start and cannot be deleted. */
export const RESERVED_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
])

/** The name of a sequential node: at least ten digits of an int32, its minus sign counted as one. */
export function sequenceSuffix(counter: number): string {
  if (counter >= 0) return String(counter).padStart(10, '0')
  return `-${String(-counter).padStart(9, '0')}`
}

const SLASH = 0x2f
const DOT = 0x2e

function isValidPart(path: string, start: number, end: number): boolean {
  if (end === start) return false
  if (path.charCodeAt(start) !== DOT) return true
  if (end - start === 1) return false
  return end - start !== 2 || path.charCodeAt(start + 1) !== DOT
}

function isForbidden(unit: number): boolean {
  if (unit > 0x1f && unit < 0x7f) return false
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    (unit >= 0xfff0 && unit <= 0xffff)
  )
}
