import { isFenbuError } from 'fenbu'
import type { CoordinationClient } from 'fenbu/coordination'

/** Creates nodes and whatever is missing above them; finding them there is fine. */
export async function createFolders(client: CoordinationClient, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const names = path.split('/').slice(1)
    for (let depth = 1; depth <= names.length; depth++) {
      await createOnce(client, `/${names.slice(0, depth).join('/')}`, new Uint8Array(0))
    }
  }
}

/** Creates a node unless it is there already; says whether it did. */
export async function createOnce(
  client: CoordinationClient,
  path: string,
  data: Uint8Array,
): Promise<boolean> {
  try {
    await client.create(path, data)
    return true
  } catch (error) {
    if (isFenbuError(error, 'COORDINATION_NODE_EXISTS')) return false
    throw error
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
