import { isFenbuError } from '../../base/index.ts'

/** Answers that asking again will not change; everything else is a matter of the connection and is retried. */
const REFUSALS: ReadonlySet<string> = new Set([
  'COORDINATION_AUTH_FAILED',
  'COORDINATION_BAD_ARGUMENTS',
  'COORDINATION_CLOSED',
  'COORDINATION_EPHEMERAL_ON_LOCAL_SESSION',
  'COORDINATION_INVALID_ACL',
  'COORDINATION_NO_AUTH',
  'COORDINATION_NO_CHILDREN_FOR_EPHEMERALS',
  'COORDINATION_PACKET_TOO_LARGE',
  'COORDINATION_QUOTA_EXCEEDED',
  'COORDINATION_SASL_REQUIRED',
  'COORDINATION_UNIMPLEMENTED',
])

export function isRefusal(error: unknown): boolean {
  return isFenbuError(error) && REFUSALS.has(error.code)
}

/** The value, or undefined where the node does not exist. */
export function unlessMissing<Value>(reply: Promise<Value>): Promise<Value | undefined> {
  return reply.catch((error: unknown) => {
    if (isFenbuError(error, 'COORDINATION_NO_NODE')) return undefined
    throw error
  })
}

/** True if the node was not there before, false if it was. */
export function unlessExisting(reply: Promise<unknown>): Promise<boolean> {
  return reply.then(
    () => true,
    (error: unknown) => {
      if (isFenbuError(error, 'COORDINATION_NODE_EXISTS')) return false
      throw error
    },
  )
}
