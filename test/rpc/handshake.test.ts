import { describe, expect, it } from 'vitest'
import { agree, type Hello } from '../../src/rpc/core/index.ts'

const hello = (more: Partial<Hello> = {}): Hello => ({
  versionMin: 1,
  versionMax: 1,
  maxFrameBytes: 1000,
  maxInFlight: 10,
  maxDefinitions: 20,
  features: 0,
  codecs: Uint8Array.of(1, 2),
  instanceId: 'me',
  ...more,
})

describe('the handshake', () => {
  it('agrees on the highest common version, the same on both sides', () => {
    const old = hello({ versionMin: 1, versionMax: 3 })
    const young = hello({ versionMin: 2, versionMax: 5 })
    expect(agree(old, young, 'client').version).toBe(3)
    expect(agree(young, old, 'server').version).toBe(3)
  })

  it.each([
    ['an older peer', { versionMin: 1, versionMax: 1 }, { versionMin: 2, versionMax: 3 }],
    ['a younger peer', { versionMin: 4, versionMax: 5 }, { versionMin: 1, versionMax: 3 }],
    ['a range upside down', { versionMin: 3, versionMax: 2 }, { versionMin: 1, versionMax: 3 }],
  ])('refuses %s on both sides, and names both ranges', (_what, peer, own) => {
    for (const side of ['client', 'server'] as const)
      expect(() => agree(hello(own), hello(peer), side)).toThrow(
        expect.objectContaining({
          code: 'RPC_VERSION_MISMATCH',
          message: expect.stringContaining(
            `${own.versionMin} to ${own.versionMax}, the peer ${peer.versionMin} to`,
          ),
        }),
      )
  })

  it("takes the client's first codec that the server has", () => {
    const client = hello({ codecs: Uint8Array.of(9, 2, 1) })
    const server = hello({ codecs: Uint8Array.of(1, 2) })
    expect(agree(client, server, 'client').codec).toBe('json')
    expect(agree(server, client, 'server').codec).toBe('json')
  })

  it('refuses a peer with no codec in common', () => {
    const other = hello({ codecs: Uint8Array.of(9) })
    expect(() => agree(hello(), other, 'server')).toThrow(
      expect.objectContaining({ code: 'RPC_CODEC_MISMATCH' }),
    )
    expect(() => agree(hello(), hello({ codecs: new Uint8Array(0) }), 'client')).toThrow('[1, 2]')
  })

  it('keeps only the features of both, and the limits of the peer', () => {
    const agreement = agree(
      hello({ features: 0b110 }),
      hello({ features: 0b011, maxFrameBytes: 7 }),
      'client',
    )
    expect(agreement).toMatchObject({
      features: 0b010,
      peerMaxFrameBytes: 7,
      peerMaxInFlight: 10,
      peerMaxDefinitions: 20,
    })
  })
})
