import { readdirSync } from 'node:fs'

/** Paths of all files below a folder that match, sorted, with `/`. */
export function globSync(folder, matches) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/') && matches(path))
    .sort()
}
