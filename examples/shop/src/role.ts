import type { Provision } from 'fenbu/rpc'
import type { Journey } from './journey.ts'

/** What a process of the shop says when it is up: where it can be reached. */
export interface Ready {
  readonly url: string
}

export type FromRole =
  | { readonly type: 'ready'; readonly ready: Ready }
  | { readonly type: 'journeys'; readonly requestId: string; readonly journeys: readonly Journey[] }

export type ToRole = { readonly type: 'drain' } | { readonly type: 'journeys'; readonly requestId: string }

/** One process of the shop at work. */
export interface Role {
  readonly ready: Ready
  /** Calls that this process made for a request, newest last. */
  journeys(requestId: string): readonly Journey[]
  /** Finishes what was begun, then lets everything go. */
  drain(): Promise<void>
}

/**
 * Runs a role until it is told to drain: by the supervisor if there is one, otherwise by Ctrl-C or SIGTERM. When the
 * supervisor dies the channel to it closes and the process ends at once; nothing of the shop outlives its supervisor.
 */
export async function play(start: () => Promise<Role>): Promise<void> {
  const supervised = process.send !== undefined
  // Until it is up there is nothing to drain.
  let requestDrain = (): void => process.exit(0)
  let role: Role | undefined
  // Ctrl-C in a terminal reaches every process of the group; the supervisor tells each one when it is its turn.
  process.on('SIGINT', () => {
    if (!supervised) requestDrain()
  })
  process.on('SIGTERM', () => requestDrain())
  process.on('message', (message: ToRole) => {
    if (message.type === 'drain') requestDrain()
    else tell({ ...message, journeys: role?.journeys(message.requestId) ?? [] })
  })
  process.on('disconnect', () => process.exit(DISCONNECTED))
  if (supervised && !process.connected) process.exit(DISCONNECTED)

  role = await start().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  })
  const drainRequested = new Promise<void>((resolve) => {
    requestDrain = resolve
  })
  if (supervised) tell({ type: 'ready', ready: role.ready })
  else console.log(`ready at ${role.ready.url}`)

  await drainRequested
  await role.drain()
  process.exit(0)
}

/** The supervisor is gone: nobody to report to, nothing to finish for. */
const DISCONNECTED = 1

function tell(message: FromRole): void {
  process.send?.(message, undefined, undefined, () => undefined)
}

/** Where a provided service can be reached, as the registry tells its callers. */
export function urlOf({ registration }: Provision): string {
  return registration ? `rpc://${registration.instance.host}:${registration.instance.port}` : 'rpc://'
}
