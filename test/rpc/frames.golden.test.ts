import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../src/bytes/index.ts'
import { codecNamed } from '../../src/rpc/codecs.ts'
import {
  decodeFrame,
  encodeFrame,
  encodeMetadata,
  FRAMES,
  type Frame,
  type FrameName,
  type FrameSpec,
  PREFACE,
} from '../../src/rpc/core/index.ts'

type Golden = { readonly [Name in FrameName]: Omit<Frame<Name>, 'name'> }

const value = (plain: unknown): Uint8Array => {
  const writer = new ByteWriter()
  codecNamed('messagepack').encode(writer, plain)
  return writer.take()
}

const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const metadata = encodeMetadata({ tenant: 'blue' })
const args = value(['HHKB键盘', 1])

/** One frame of each type; `docs/internals/rpc.md` shows its bytes. */
const GOLDEN: Golden = {
  HELLO: {
    callId: 0,
    flags: 0,
    fields: {
      versionMin: 1,
      versionMax: 1,
      maxFrameBytes: 4_194_304,
      maxInFlight: 1024,
      maxDefinitions: 1024,
      features: 0,
      codecs: Uint8Array.of(1, 2),
      instanceId: 'order-1',
    },
  },
  DEFINE: {
    callId: 0,
    flags: 0,
    fields: { methodId: 0, service: 'order', group: 'default', version: '1.2.0', method: 'buy' },
  },
  CALL: { callId: 1, flags: 1, fields: { methodId: 0, timeoutMs: 800, attempt: 1, metadata, args } },
  RESULT: { callId: 1, flags: 0, fields: { handlerMicros: 250, value: value({ id: 7 }) } },
  ERROR: {
    callId: 1,
    flags: 0,
    fields: {
      handlerMicros: 250,
      outcome: 0,
      code: 'SHOP_OUT_OF_STOCK',
      message: 'only 3 left',
      details: value({ left: 3 }),
    },
  },
  CANCEL: { callId: 1, flags: 0, fields: { reason: 1 } },
  PING: { callId: 0, flags: 0, fields: { token } },
  PONG: { callId: 0, flags: 0, fields: { token } },
  GOAWAY: { callId: 0, flags: 0, fields: { lastCallId: 41, reason: 1, drainMs: 10_000, message: 'bye' } },
  DATA: { callId: 1, flags: 1, fields: { value: value('x') } },
  END: { callId: 1, flags: 0, fields: {} },
  CREDIT: { callId: 1, flags: 0, fields: { bytes: 65_536 } },
  ONEWAY: { callId: 1, flags: 0, fields: { methodId: 0, metadata: new Uint8Array(0), args } },
}

const page = readFileSync('docs/internals/rpc.md', 'utf8')
const rows = page
  .split('\n')
  .filter((line) => /^\| 0x[0-9a-f]{2} \|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )

describe('docs/internals/rpc.md', () => {
  it('has the rows of the frame table, in its order, and no others', () => {
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(FRAMES))
  })

  it.each(Object.keys(FRAMES) as FrameName[])('says of %s what the frame table says', (name) => {
    const spec: FrameSpec = FRAMES[name]
    const list = (entries: object, between: string): string =>
      Object.entries(entries)
        .map(([key, one]) => `${key}${between}${typeof one === 'number' ? hexByte(one) : one}`)
        .join(', ') || '–'
    const row = rows.find((cells) => cells[1] === name)!
    expect(row.slice(0, 8)).toEqual([
      hexByte(spec.type),
      name,
      spec.from,
      spec.scope,
      String(spec.since),
      spec.state,
      list(spec.flags, ' '),
      list(spec.fields, ' '),
    ])
  })

  it.each(Object.keys(FRAMES) as FrameName[])('shows the bytes of one %s frame', (name) => {
    const shown = rows.find((cells) => cells[1] === name)![8]!
    const { callId, flags, fields } = GOLDEN[name]
    const writer = new ByteWriter()
    encodeFrame(writer, name, callId, flags, fields)
    const bytes = writer.take()
    expect(hex(bytes)).toBe(shown)
    expect(decodeFrame(bytes, 0, bytes.length)).toEqual({ name, callId, flags, fields })
  })

  it('shows the preface', () => {
    expect(page).toContain(`\`${hex(PREFACE)}\``)
  })
})

function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/(....)(?=.)/g, '$1 ')
}
