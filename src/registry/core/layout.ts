/**
 * Where things are in the tree. Below the URL's path (`zookeeper://host/shop`):
 *
 *     /fenbu/services/<service>/providers/<instance id>     ephemeral, an instance record
 *
 * Names are percent-encoded, so that a service may be called anything; beside `providers` there is room for what
 * else belongs to a service.
 */
export const DEFAULT_ROOT = 'fenbu'

export function providersPath(root: string, service: string): string {
  return `/${root}/services/${encodeName(service)}/providers`
}

export function servicesPath(root: string): string {
  return `/${root}/services`
}

export function providerPath(root: string, service: string, id: string): string {
  return `${providersPath(root, service)}/${encodeName(id)}`
}

/** The folders of a path from the top, without the path itself. */
export function foldersOf(path: string): readonly string[] {
  const folders: string[] = []
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1))
    folders.push(path.slice(0, at))
  return folders
}

/** `.` and `..` are no names in a tree and the encoder leaves them as they are. */
function encodeName(name: string): string {
  return /^\.{1,2}$/.test(name) ? name.replaceAll('.', '%2E') : encodeURIComponent(name)
}

/** Undefined for a name that no encoder wrote. */
export function decodeName(encoded: string): string | undefined {
  try {
    const name = decodeURIComponent(encoded)
    return encodeName(name) === encoded ? name : undefined
  } catch {
    return undefined
  }
}
