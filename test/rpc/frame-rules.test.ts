import { describe, expect, it } from 'vitest'
import {
  type AnyFrame,
  FRAMES,
  type FrameName,
  type FrameSpec,
  permittedFrame,
} from '../../src/rpc/core/index.ts'

const TABLE = Object.entries(FRAMES) as [FrameName, FrameSpec][]
const frameNamed = (name: FrameName) => ({ name, flags: 0, callId: 1, fields: {} }) as unknown as AnyFrame

describe.each(['client', 'server'] as const)('of the frames that a %s sends', (sender) => {
  it.each(TABLE)('%s is judged by its line in the table', (name, { from, state, since }) => {
    const frame = frameNamed(name)
    if (from !== 'both' && from !== sender)
      expect(() => permittedFrame(frame, sender, since)).toThrow(
        expect.objectContaining({ code: 'RPC_PROTOCOL_VIOLATION', message: expect.stringContaining(name) }),
      )
    else {
      expect(permittedFrame(frame, sender, since)).toBe(state === 'live' ? frame : undefined)
      expect(permittedFrame(frame, sender, since - 1)).toBe(undefined)
    }
  })
})
