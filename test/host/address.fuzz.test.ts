import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFenbuError } from '../../src/base/index.ts'
import { formatAddress, isLoopback, parseAddress } from '../../src/host/index.ts'

const ports = fc.integer({ min: 0, max: 65_535 })
const hosts = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('localhost', '服务器.cn', 'a_b-c', 'x.'),
)

describe('an address', () => {
  it('is what its text says', () => {
    fc.assert(
      fc.property(hosts, ports, (host, port) => {
        expect(parseAddress(formatAddress({ host, port }))).toEqual({ host, port })
      }),
    )
  })

  it('is read or refused with HOST_ADDRESS_INVALID, whatever the text', () => {
    const text = fc.oneof(
      fc.uint16Array({ maxLength: 20 }).map((units) => String.fromCharCode(...units)),
      fc.string({ unit: fc.constantFrom(...'[]:.%0123456789abcdef') }),
      fc.tuple(hosts, fc.nat()).map(([host, port]) => `${host}:${port}`),
    )
    fc.assert(
      fc.property(text, fc.option(ports, { nil: undefined }), (given, defaultPort) => {
        try {
          const address = parseAddress(given, defaultPort)
          expect(address.port).toBeLessThanOrEqual(65_535)
          expect(parseAddress(formatAddress(address))).toEqual(address)
        } catch (error) {
          if (!isFenbuError(error, 'HOST_ADDRESS_INVALID')) throw error
        }
      }),
    )
  })

  it.each([
    ['localhost:2181', 'localhost', 2181],
    ['  10.0.0.1:1  ', '10.0.0.1', 1],
    ['[::1]:80', '::1', 80],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('reads %j', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  it('takes the default port where there is none', () => {
    expect(parseAddress('[::1]', 7)).toEqual({ host: '::1', port: 7 })
    expect(parseAddress('zk1', 7)).toEqual({ host: 'zk1', port: 7 })
    expect(parseAddress('zk1:8', 7)).toEqual({ host: 'zk1', port: 8 })
  })

  it.each([
    '',
    ':80',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:1e3',
    '::1:80',
    '[localhost]:80',
    '[::1',
    'a b:1',
  ])('refuses %j and says how to write it', (text) => {
    expect(() => parseAddress(text)).toThrow(
      `address ${JSON.stringify(text)}: write host:port or [ipv6]:port, port 0 to 65535`,
    )
  })

  it.each([undefined, null, 80, {}])('refuses what is no text: %j', (value) => {
    expect(() => parseAddress(value as never)).toThrow('write host:port')
  })
})

describe('loopback', () => {
  it.each([
    'localhost',
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::FFFF:127.1.1.1',
  ])('is %s', (host) => expect(isLoopback(host)).toBe(true))

  it.each([
    '0.0.0.0',
    '::',
    '::2',
    '1::1',
    '127.0.0.1.example.com',
    '127.example.com',
    '::ffff:10.0.0.1',
    '',
    'LOCAL',
  ])('is not %j', (host) => expect(isLoopback(host)).toBe(false))
})
