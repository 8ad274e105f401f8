/** Paths use `/`; `.` and empty parts mean nothing. The root is the empty path. */
export function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const clean = cleanPath(path)
  const slash = clean.lastIndexOf('/')
  return { folder: clean.slice(0, Math.max(0, slash)), name: clean.slice(slash + 1) }
}
