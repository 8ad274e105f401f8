import { describe, expect, it } from 'vitest'
import { ReceiveBuffer } from '../../src/host/receive-buffer.ts'

describe('the receive buffer', () => {
  it('copies what arrives byte by byte a few times at most, into at most twice its memory', () => {
    const buffer = new ReceiveBuffer()
    const memories = new Set<ArrayBufferLike>()
    for (let i = 0; i < 100_000; i++) {
      buffer.add(Uint8Array.of(i))
      memories.add(buffer.view().buffer)
    }
    expect(buffer.length).toBe(100_000)
    expect(memories.size).toBeLessThan(20)
    expect(buffer.view().buffer.byteLength).toBeLessThanOrEqual(2 * 100_000)
  })

  it('does not pin the memory that a piece came in', () => {
    const chunk = new Uint8Array(65_536)
    const buffer = new ReceiveBuffer()
    buffer.add(chunk.subarray(65_533))
    expect(buffer.view().buffer.byteLength).toBeLessThan(16)
  })

  it('gives back the memory of what was consumed', () => {
    const buffer = new ReceiveBuffer()
    buffer.add(new Uint8Array(65_536).fill(7, 65_533))
    buffer.consume(65_533)
    expect([...buffer.view()]).toEqual([7, 7, 7])
    expect(buffer.view().buffer.byteLength).toBeLessThan(16)
    buffer.consume(3)
    expect(buffer.view().buffer.byteLength).toBe(0)
  })
})
