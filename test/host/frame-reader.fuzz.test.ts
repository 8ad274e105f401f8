import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/host/frame-reader.ts'
import { echoProtocol, frameOf } from './echo.ts'

/** Cuts `bytes` into chunks of the given lengths, over and over. */
function chunksOf(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!
    chunks.push(bytes.slice(at, at + length))
    at += length
  }
  return chunks
}

const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 })
const lengths = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 8 })

describe('the frame reader', () => {
  it('delivers the same frames, each once and in order, however the stream is cut and whenever the taker stops', () => {
    fc.assert(
      fc.property(
        bodies,
        lengths,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        (sent, cuts, goesOn) => {
          const reader = new FrameReader(echoProtocol, 1000)
          const received: Uint8Array[] = []
          const take = (bytes: Uint8Array, start: number, end: number): boolean => {
            received.push(bytes.slice(start, end))
            return goesOn[received.length % goesOn.length]!
          }
          const frames = sent.map(frameOf)
          for (const chunk of chunksOf(Buffer.concat(frames), cuts)) {
            reader.add(chunk, take)
            while (reader.stopped) reader.resume(take)
          }
          expect(received.map((frame) => Buffer.from(frame))).toEqual(frames)
          expect(reader.pendingBytes).toBe(0)
        },
      ),
    )
  })

  it('keeps what comes while it is stopped', () => {
    fc.assert(
      fc.property(bodies, lengths, (sent, cuts) => {
        const reader = new FrameReader(echoProtocol, 1000)
        const received: Uint8Array[] = []
        const take = (bytes: Uint8Array, start: number, end: number): boolean => {
          received.push(bytes.slice(start, end))
          return false
        }
        const frames = sent.map(frameOf)
        for (const chunk of chunksOf(Buffer.concat(frames), cuts)) reader.add(chunk, take)
        while (reader.stopped) reader.resume(take)
        expect(received.map((frame) => Buffer.from(frame))).toEqual(frames)
      }),
    )
  })
})
