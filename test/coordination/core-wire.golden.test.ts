import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../src/bytes/index.ts'
import {
  beginReply,
  type ConnectRequest,
  type ConnectResponse,
  EVENT_TYPE,
  endReply,
  frameBytes,
  MAX_PACKET_BYTES,
  OPEN_ACL,
  operations,
  readConnectRequest,
  readConnectResponse,
  requestHeader,
  stat,
  writeConnectRequest,
  writeConnectResponse,
  writeEventFrame,
} from '../../src/coordination/core/index.ts'
import { decoded, encoded } from './memory-coordinator.ts'

/** Bytes from hex, spaces ignored. */
function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.copyAndReset()
}

const password = bytes('00010203 04050607 08090a0b 0c0d0e0f')

describe('the handshake', () => {
  const request: ConnectRequest = {
    protocolVersion: 0,
    lastZxidSeen: 0x1_0000_0002n,
    timeoutMs: 10_000,
    sessionId: 0x0100_0000_0000_00ffn,
    password,
    readOnly: true,
  }
  const requestBytes =
    '00000000 0000000100000002 00002710 01000000000000ff 00000010 000102030405060708090a0b0c0d0e0f'
  const response: ConnectResponse = {
    protocolVersion: 0,
    timeoutMs: 10_000,
    sessionId: 0x0100_0000_0000_00ffn,
    password,
    readOnly: false,
  }
  const responseBytes = '00000000 00002710 01000000000000ff 00000010 000102030405060708090a0b0c0d0e0f'

  test('of a present client has 45 bytes and 37 bytes', () => {
    expect(written((writer) => writeConnectRequest(writer, request))).toEqual(bytes(`${requestBytes} 01`))
    expect(written((writer) => writeConnectResponse(writer, response))).toEqual(bytes(`${responseBytes} 00`))
    expect(readConnectRequest(new ByteReader(bytes(`${requestBytes} 01`)))).toEqual(request)
    expect(readConnectResponse(new ByteReader(bytes(`${responseBytes} 00`)))).toEqual(response)
  })

  test('of an old client lacks the readOnly byte: 44 bytes and 36 bytes', () => {
    const old = { readOnly: undefined }
    expect(readConnectRequest(new ByteReader(bytes(requestBytes)))).toEqual({ ...request, ...old })
    expect(readConnectResponse(new ByteReader(bytes(responseBytes)))).toEqual({ ...response, ...old })
    expect(written((writer) => writeConnectRequest(writer, { ...request, ...old }))).toHaveLength(44)
    expect(written((writer) => writeConnectResponse(writer, { ...response, ...old }))).toHaveLength(36)
  })
})

describe('requests', () => {
  test('a header is xid and type', () => {
    expect(encoded(requestHeader, { xid: -2, type: operations.ping.code })).toEqual(
      bytes('fffffffe 0000000b'),
    )
  })

  test('create carries path, data, ACL and flags', () => {
    const request = { path: '/a', data: bytes('ff'), acl: OPEN_ACL, flags: 3 }
    const golden = bytes(
      `00000002 2f61  00000001 ff  00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65  00000003`,
    )
    expect(encoded(operations.create.request, request)).toEqual(golden)
    expect(decoded(operations.create2.request, golden)).toEqual(request)
  })

  test('null data is a length of -1, and stays null', () => {
    const golden = bytes('00000002 2f61 ffffffff ffffffff')
    expect(encoded(operations.setData.request, { path: '/a', data: null, version: -1 })).toEqual(golden)
    expect(decoded(operations.setData.request, golden)).toEqual({ path: '/a', data: null, version: -1 })
  })

  test('setWatches carries the zxid and three lists', () => {
    const request = { relativeZxid: 5n, data: ['/d'], exist: [], children: ['/c', '/汉'] }
    const golden = bytes(`0000000000000005  00000001 00000002 2f64  00000000
      00000002 00000002 2f63 00000004 2fe6b189`)
    expect(encoded(operations.setWatches.request, request)).toEqual(golden)
    expect(decoded(operations.setWatches.request, golden)).toEqual(request)
  })

  test('a null list is empty', () => {
    const golden = bytes('0000000000000005 ffffffff ffffffff ffffffff')
    const request = decoded(operations.setWatches.request, golden)
    expect(request).toEqual({ relativeZxid: 5n, data: [], exist: [], children: [] })
  })

  test('a multi is a header before each operation, and one that is done', () => {
    const parts = [
      { operation: operations.deleteNode, request: { path: '/a', version: 2 } },
      { operation: operations.check, request: { path: '/b', version: -1 } },
    ] as const
    const golden = bytes(`00000002 00 ffffffff  00000002 2f61 00000002
      0000000d 00 ffffffff  00000002 2f62 ffffffff
      ffffffff 01 ffffffff`)
    expect(encoded(operations.multi.request, parts as never)).toEqual(golden)
    expect(decoded(operations.multi.request, golden)).toEqual(parts)
  })
})

describe('replies', () => {
  test('a frame is length, xid, zxid, error and body', () => {
    const frame = written((writer) => {
      const at = beginReply(writer, 7, { epoch: 1, counter: 0xffff_fffe })
      writer.bytes(bytes('aabb'))
      endReply(writer, at, 0)
    })
    expect(frame).toEqual(bytes('00000012 00000007 00000001fffffffe 00000000 aabb'))
  })

  test('a frame with an error has no body', () => {
    const frame = written((writer) => {
      const at = beginReply(writer, 7, { epoch: 0, counter: 2 })
      writer.bytes(bytes('aabb'))
      endReply(writer, at, -101)
    })
    expect(frame).toEqual(bytes('00000010 00000007 0000000000000002 ffffff9b'))
  })

  test('a Stat has 68 bytes', () => {
    const golden = bytes(`0000000000000001 0000000000000002 000000000000000a 000000000000000b
      00000003 00000004 00000005 00000000000000ff 00000006 00000007 0000000000000008`)
    expect(golden).toHaveLength(68)
    expect(decoded(stat, golden)).toEqual({
      czxid: 1n,
      mzxid: 2n,
      ctime: 10n,
      mtime: 11n,
      version: 3,
      cversion: 4,
      aversion: 5,
      ephemeralOwner: 255n,
      dataLength: 6,
      numChildren: 7,
      pzxid: 8n,
    })
    expect(encoded(stat, decoded(stat, golden))).toEqual(golden)
  })

  test('a failed multi is an error for each operation, its code twice', () => {
    const golden = bytes(`ffffffff 00 00000000 00000000  ffffffff 00 ffffff99 ffffff99
      ffffffff 00 fffffffe fffffffe  ffffffff 01 ffffffff`)
    const results = decoded(operations.multi.reply, golden)
    expect(results.map(({ error }) => error)).toEqual([0, -103, -2])
    expect(encoded(operations.multi.reply, results)).toEqual(golden)
  })

  test('an event has xid -1 and zxid -1', () => {
    const frame = written((writer) => writeEventFrame(writer, EVENT_TYPE.DELETED, '/a'))
    expect(frame).toEqual(
      bytes('0000001e ffffffff ffffffffffffffff 00000000 00000002 00000003 00000002 2f61'),
    )
  })
})

describe('frames', () => {
  test('a length says where the frame ends; it may not have arrived yet', () => {
    expect(frameBytes(bytes('00000003 aabbcc'), 0, 7)).toBe(7)
    expect(frameBytes(bytes('ff 00000003 aa'), 1, 6)).toBe(7)
    expect(frameBytes(bytes('000000'), 0, 3)).toBeUndefined()
  })

  test('a negative length and one above the limit are refused', () => {
    const refused = expect.objectContaining({ code: 'COORDINATION_PACKET_TOO_LARGE' })
    expect(() => frameBytes(bytes('ffffffff'), 0, 4)).toThrow(refused)
    expect(() => frameBytes(bytes('00100000'), 0, 4)).toThrow(refused)
    expect(() => frameBytes(bytes('00000011'), 0, 4, 16)).toThrow(refused)
    expect(frameBytes(bytes('000fffff'), 0, 4)).toBe(MAX_PACKET_BYTES + 4)
  })
})
