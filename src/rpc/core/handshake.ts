import { rpcError } from './errors.ts'
import type { FrameFields } from './frames.ts'

/** The protocol versions that this code speaks. */
export const PROTOCOL_VERSION_MIN = 1
export const PROTOCOL_VERSION_MAX = 1

/** Bits of `features`; a frame of a feature is sent only if both sides announced it. None exists yet. */
export const FEATURES = 0

export const CODEC_IDS = { messagepack: 1, json: 2 } as const
export type CodecName = keyof typeof CODEC_IDS

export type Hello = FrameFields<'HELLO'>

/** What both sides hold to, computed alike on both from the two HELLOs. */
export interface Agreement {
  readonly version: number
  readonly codec: CodecName
  readonly features: number
  /** Longest frame that the peer takes, length field included. */
  readonly peerMaxFrameBytes: number
  /** Calls that the peer takes at once on this connection. */
  readonly peerMaxInFlight: number
  readonly peerMaxDefinitions: number
  readonly peerInstanceId: string
}

/** The highest common version and the first codec of the client that the server has too. */
export function agree(own: Hello, peer: Hello, side: 'client' | 'server'): Agreement {
  const version = Math.min(own.versionMax, peer.versionMax)
  if (version < own.versionMin || version < peer.versionMin || peer.versionMin > peer.versionMax)
    throw rpcError(
      'RPC_VERSION_MISMATCH',
      `this side speaks versions ${own.versionMin} to ${own.versionMax}, the peer ${peer.versionMin} to ${peer.versionMax}`,
    )
  const [client, server] = side === 'client' ? [own, peer] : [peer, own]
  const codecId = client.codecs.find((id) => server.codecs.includes(id))
  const codec = (Object.keys(CODEC_IDS) as CodecName[]).find((name) => CODEC_IDS[name] === codecId)
  if (codec === undefined)
    throw rpcError(
      'RPC_CODEC_MISMATCH',
      `the client offers codecs [${client.codecs.join(', ')}], the server has [${server.codecs.join(', ')}]`,
    )
  return {
    version,
    codec,
    features: own.features & peer.features,
    peerMaxFrameBytes: peer.maxFrameBytes,
    peerMaxInFlight: peer.maxInFlight,
    peerMaxDefinitions: peer.maxDefinitions,
    peerInstanceId: peer.instanceId,
  }
}
