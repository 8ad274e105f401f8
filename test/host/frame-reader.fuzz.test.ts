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

  it('hands out nothing while it is stopped, and keeps what comes', () => {
    fc.assert(
      fc.property(bodies, lengths, (sent, cuts) => {
        const reader = new FrameReader(echoProtocol, 1000)
        const received: Uint8Array[] = []
        let asked = true
        const take = (bytes: Uint8Array, start: number, end: number): boolean => {
          expect(asked).toBe(true)
          asked = false
          received.push(bytes.slice(start, end))
          return false
        }
        const frames = sent.map(frameOf)
        for (const chunk of chunksOf(Buffer.concat(frames), cuts)) reader.add(chunk, take)
        while (reader.stopped) {
          asked = true
          reader.resume(take)
        }
        expect(received.map((frame) => Buffer.from(frame))).toEqual(frames)
      }),
    )
  })

  it('refuses a header that never ends, once it is longer than any frame', () => {
    const endless = { name: 'endless', frameLength: () => 0 }
    const reader = new FrameReader(endless, 1000)
    const take = (): boolean => true
    for (let i = 0; i < 10; i++) reader.add(Buffer.alloc(100), take)
    expect(reader.pendingBytes).toBe(1000)
    expect(() => reader.add(Buffer.alloc(1), take)).toThrow(
      'endless frame of 1001 bytes or more; maxFrameBytes is 1000',
    )
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a length of %s', (length) => {
    const reader = new FrameReader({ name: 'lying', frameLength: () => length }, 1000)
    expect(() => reader.add(Buffer.alloc(10), () => true)).toThrow(
      `lying frame announces a length of ${length} bytes`,
    )
  })

  it('takes what the taker closes it for as the end', () => {
    const reader = new FrameReader(echoProtocol, 1000)
    reader.add(Buffer.concat([frameOf('a'), frameOf('b').subarray(0, 3)]), () => {
      reader.close()
      return false
    })
    expect(reader.pendingBytes).toBe(0)
  })
})
