import { rpcError } from './errors.ts'
import { type AnyFrame, FRAMES, type FrameName, type FrameSpec } from './frames.ts'

/** One of the two ends of a connection. */
export type Side = Exclude<FrameSpec['from'], 'both'>

type LiveName<Sender extends Side> = {
  [Name in FrameName]: (typeof FRAMES)[Name] extends { from: Sender | 'both'; state: 'live' } ? Name : never
}[FrameName]

/** A frame that this side may send in some version that there is. */
type FrameFrom<Sender extends Side> = Extract<AnyFrame, { name: LiveName<Sender> }>

/**
 * What the table says of a frame that `sender` sent. Undefined if it belongs to a feature or version that this
 * connection has not. Throws `RPC_PROTOCOL_VIOLATION` if it is not for that side to send.
 */
export function permittedFrame<Sender extends Side>(
  frame: AnyFrame,
  sender: Sender,
  version: number,
): FrameFrom<Sender> | undefined {
  const { from, state, since }: FrameSpec = FRAMES[frame.name]
  if (from !== 'both' && from !== sender)
    throw rpcError('RPC_PROTOCOL_VIOLATION', `${frame.name} is not for a ${sender} to send`)
  return state === 'live' && since <= version ? (frame as FrameFrom<Sender>) : undefined
}
