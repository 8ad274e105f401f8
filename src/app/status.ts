import type { CoordinationClient } from '../coordination/client/index.ts'
import type { RegistryStatus } from '../registry/index.ts'
import type { AppStatus } from './app.ts'

export function coordinationStatus(url: string, client: CoordinationClient): AppStatus['coordination'] {
  const { state } = client
  return { url, state: state === 'connected' || state === 'suspended' ? state : 'down' }
}

/** One line for each thing that a person should know. */
export function notesOn(
  coordination: AppStatus['coordination'],
  registry: RegistryStatus,
): readonly string[] {
  const notes: string[] = []
  if (coordination !== undefined && coordination.state !== 'connected')
    notes.push(`coordination: ${coordination.url} is ${coordination.state}`)
  if (registry.state !== 'connected')
    notes.push(`registry: ${registry.url} is ${registry.state}; ${goingOnWith(registry)}`)
  const kept = Object.keys(registry.doubtful).filter((service) => registry.doubtful[service] === 'kept')
  if (registry.state === 'connected' && kept.length > 0)
    notes.push(
      `registry: most instances of ${kept.join(', ')} are gone at once; keeping the last list for a while`,
    )
  const unverified = registry.registrations.total - registry.registrations.verified
  if (unverified > 0) notes.push(`registry: ${unverified} registration(s) not confirmed`)
  const ignored = Object.entries(registry.ignored).filter(([, count]) => count > 0)
  if (ignored.length > 0)
    notes.push(`registry: ignored ${ignored.map(([reason, count]) => `${count} ${reason}`).join(', ')}`)
  if (registry.problem !== undefined) notes.push(`registry: ${registry.problem}`)
  return notes
}

function goingOnWith({ doubtful, cache }: RegistryStatus): string {
  const sources = Object.values(doubtful)
  if (sources.includes('kept')) return 'going on with the last list'
  return cache === 'filled' ? 'starting on the cached list' : 'there is no list to go on with'
}
