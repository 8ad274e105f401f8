import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../src/bytes/index.ts'
import { codecNamed } from '../../src/rpc/codecs.ts'
import type { CodecName } from '../../src/rpc/core/index.ts'

function encode(name: CodecName, value: unknown): Uint8Array {
  const writer = new ByteWriter()
  codecNamed(name).encode(writer, value)
  return writer.take()
}

function decode(name: CodecName, bytes: Uint8Array): unknown {
  return codecNamed(name).decode(bytes, 0, bytes.length)
}

function there(name: CodecName, value: unknown): unknown {
  return decode(name, encode(name, value))
}

const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)

describe('MessagePack', () => {
  it.each([
    ['an undefined argument between others', [1, undefined, 'x']],
    ['a big integer beyond 64 bits', [2n ** 200n, -(2n ** 200n), 0n, -1n, 127n, 128n, -128n, -129n]],
    [
      'dates before 1970, with milliseconds, and far away',
      [-1, 1, 2 ** 32 * 1000, 8.64e15, -8.64e15].map((ms) => new Date(ms)),
    ],
    [
      'maps and sets inside each other',
      new Map<unknown, unknown>([[new Set([1]), new Map([['k', [undefined]]])]]),
    ],
    ['bytes', [new Uint8Array(0), Uint8Array.of(1, 255), new Uint8Array(70_000).fill(7)]],
    ['numbers that integers cannot hold', [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e300]],
    [
      'integers of every width',
      [
        0,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 53 - 1,
        -1,
        -32,
        -33,
        -128,
        -129,
        -32_768,
        -32_769,
        -(2 ** 31),
        -(2 ** 31) - 1,
        -(2 ** 53) + 1,
      ],
    ],
    [
      'texts of every width',
      [
        '',
        'HHKB键盘',
        'é',
        '😀',
        'x'.repeat(31),
        'é'.repeat(31),
        'x'.repeat(255),
        '键'.repeat(255),
        'x'.repeat(65_536),
      ],
    ],
    [
      'records and lists of every width',
      [
        {},
        Object.fromEntries(numbered(20)),
        Object.fromEntries(numbered(70_000)),
        new Array(20).fill(1),
        new Array(70_000).fill(null),
      ],
    ],
  ])('carries %s', (_what, value) => {
    // Vitest takes seconds to compare what is this long.
    expect(isDeepStrictEqual(there('messagepack', value), value)).toBe(true)
  })

  it('leaves out properties that are undefined, as JSON does, whatever the size of the record', () => {
    for (const count of [1, 20, 70_000]) {
      const record = Object.fromEntries([...numbered(count), ['gone', undefined]])
      expect(Object.keys(there('messagepack', record) as object)).toHaveLength(count)
    }
  })

  it('sends what toJSON() says where an object has one, and the own fields of an instance', () => {
    class Money {
      readonly amount = 5
      get doubled(): number {
        return this.amount * 2
      }
    }
    expect(there('messagepack', [{ toJSON: () => 'said' }, new URL('http://a/'), new Money()])).toEqual([
      'said',
      'http://a/',
      { amount: 5 },
    ])
  })

  it.each([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a promise that was not awaited', Promise.resolve(1)],
    ['an error', new Error('x')],
    ['a regular expression', /x/],
    ['an invalid date', new Date(Number.NaN)],
    ['floats', new Float64Array(2)],
    ['a cycle', cycle()],
    ['a method in a record', { method() {} }],
  ])('refuses %s before anything is sent', (_what, value) => {
    expect(() => encode('messagepack', [value])).toThrow(
      expect.objectContaining({ code: 'RPC_VALUE_UNENCODABLE' }),
    )
  })

  it('refuses what nests deeper than 64 levels, in both directions', () => {
    expect(there('messagepack', nested(64))).toEqual(nested(64))
    expect(() => encode('messagepack', nested(65))).toThrow('64 levels')
    expect(() => decode('messagepack', new Uint8Array(65).fill(0x91))).toThrow('64 levels')
    expect(() => decode('messagepack', new Uint8Array(1_000_000).fill(0x91))).toThrow('64 levels')
  })

  it('makes no key reach a prototype', () => {
    const forged = Uint8Array.of(0x81, 0xa9, ...text('__proto__'), 0x81, 0xa1, 0x61, 1)
    expect(() => decode('messagepack', forged)).toThrow(expect.objectContaining({ code: 'RPC_BODY_INVALID' }))
    const long = Uint8Array.of(0x81, 0xd9, 9, ...text('__proto__'), 1)
    expect(() => decode('messagepack', long)).toThrow('__proto__')
    const own = decode(
      'messagepack',
      encode('messagepack', { constructor: 1, prototype: 2, toString: 3 }),
    ) as object
    expect(Object.keys(own)).toEqual(['constructor', 'prototype', 'toString'])
    expect(Object.getPrototypeOf(own)).toBe(Object.prototype)
    expect({}).not.toHaveProperty('a')
  })

  it('allocates for the bytes that are there, not for the length that is claimed', () => {
    const claims = [0xdd, 0xdf, 0xc6, 0xdb, 0xc9].map((head) =>
      Uint8Array.of(head, 0xff, 0xff, 0xff, 0xff, 1),
    )
    // Each list claims as many members as there are bytes: a decoder that believes them all takes gigabytes.
    const bomb = new Uint8Array(4 * 1024 * 1024)
    for (let i = 0; i < 60; i++) bomb.set([0xdd, 0, 0x3f, 0, 0], i * 5)
    const before = process.memoryUsage().rss
    for (const claim of claims) expect(() => decode('messagepack', claim)).toThrow('announced')
    expect(() => decode('messagepack', bomb)).toThrow(expect.objectContaining({ code: 'RPC_BODY_INVALID' }))
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
  })

  it('shares no memory with the buffer that it was read from', () => {
    const bytes = encode('messagepack', [Uint8Array.of(1, 2, 3), 'text'])
    const [own] = decode('messagepack', bytes) as [Uint8Array]
    bytes.fill(0)
    expect(own).toEqual(Uint8Array.of(1, 2, 3))
  })

  it.each([
    ['text that is not UTF-8', [0xa1, 0xff]],
    ['an overlong form', [0xa3, 0xe0, 0x80, 0x80]],
    ['half of a surrogate pair', [0xa3, 0xed, 0xa0, 0x80]],
    ['a byte that starts no value', [0xc1]],
    ['an unknown extension', [0xd4, 0x2a, 0]],
    ['a timestamp of a wrong size', [0xd5, 0xff, 0, 0]],
    ['a bigint of no bytes', [0xc7, 0, 2]],
    ['a map with a key that has no value', [0xc7, 2, 3, 0x91, 1]],
    ['a set that is no list', [0xd4, 4, 1]],
    ['a key that is a list', [0x81, 0x90, 1]],
    ['bytes after the value', [1, 1]],
    ['nothing', []],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decode('messagepack', Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'RPC_BODY_INVALID' }),
    )
  })
})

describe('JSON', () => {
  it('carries what JSON can say, and dates as text', () => {
    expect(there('json', [{ item: 'HHKB键盘', n: 1.5, no: null, at: new Date(0) }])).toEqual([
      { item: 'HHKB键盘', n: 1.5, no: null, at: '1970-01-01T00:00:00.000Z' },
    ])
    expect(there('json', [1, undefined])).toEqual([1, null])
    expect(there('json', undefined)).toBe(null)
  })

  it.each([
    ['a big integer', 1n],
    ['a map', new Map()],
    ['a set', new Set()],
    ['bytes', Uint8Array.of(1)],
    ['a promise', Promise.resolve()],
    ['a function', () => {}],
    ['a cycle', cycle()],
    ['65 levels', nested(65)],
  ])('refuses %s instead of changing it on the way', (_what, value) => {
    expect(() => encode('json', [value])).toThrow(expect.objectContaining({ code: 'RPC_VALUE_UNENCODABLE' }))
  })

  it.each([
    ['a key __proto__', '{"__proto__":{"a":1}}'],
    ['a key __proto__ in disguise', '{"\\u005f_proto__":{"a":1}}'],
    ['65 levels', '['.repeat(65) + ']'.repeat(65)],
    ['65 levels beside texts full of brackets', `["]]]]\\"]]", ${'['.repeat(65)}${']'.repeat(65)}]`],
    ['a million open brackets', '['.repeat(1_000_000)],
    ['what is not JSON', '{"a":'],
  ])('refuses %s', (_what, json) => {
    expect(() => decode('json', text(json))).toThrow(expect.objectContaining({ code: 'RPC_BODY_INVALID' }))
  })

  it('takes brackets in texts for what they are', () => {
    const brackets = ['['.repeat(500), `\\"${'{'.repeat(500)}`]
    expect(there('json', brackets)).toEqual(brackets)
  })
})

function numbered(count: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [`key-${i}`, i])
}

function nested(levels: number): unknown {
  let value: unknown = []
  for (let level = 1; level < levels; level++) value = [value]
  return value
}

function cycle(): unknown {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}
