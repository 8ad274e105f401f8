import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeCache,
  decodeInstance,
  decodeName,
  encodeCache,
  encodeInstance,
  type Instance,
  providerPath,
} from '../../src/registry/core/index.ts'

const text = (max: number) =>
  fc
    .string({ unit: 'grapheme', maxLength: max })
    .filter((value) => value.length <= max && !/\p{Cc}/u.test(value))
const name = text(60).filter((value) => value !== '')

const instances: fc.Arbitrary<Instance> = fc.record({
  id: name,
  service: name,
  host: name,
  port: fc.integer({ min: 1, max: 65_535 }),
  version: fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999)).map((parts) => parts.join('.')),
  group: name,
  weight: fc.integer({ min: 0, max: 10_000 }),
  zone: text(60),
  state: fc.constantFrom('up' as const, 'draining' as const),
  registeredMs: fc.nat(),
  metadata: fc.dictionary(
    fc.oneof(text(40), fc.constantFrom('__proto__', 'constructor', 'toString')),
    text(60),
    { maxKeys: 8, noNullPrototype: true },
  ),
})

describe('the record of an instance', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(instances, (instance) => {
        expect(decodeInstance(encodeInstance(instance), instance)).toEqual({ type: 'instance', instance })
      }),
    )
  })

  it('takes any bytes without failing, and says why it ignores them', () => {
    const reasons = ['too-large', 'not-json', 'unknown-format', 'invalid-field', 'wrong-place']
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(encode)), (bytes) => {
        const decoded = decodeInstance(bytes, { service: 'order', id: 'a' })
        expect(decoded.type === 'ignored' && reasons.includes(decoded.reason)).toBe(true)
      }),
    )
  })

  it('is ignored when a field is not what it should be', () => {
    const fields = [
      'id',
      'service',
      'host',
      'port',
      'version',
      'group',
      'weight',
      'zone',
      'state',
      'registeredMs',
      'metadata',
    ]
    fc.assert(
      fc.property(
        instances,
        fc.constantFrom(...fields),
        fc.constantFrom(null, -1, 1.5, [], { a: 1 }, '\u0000', 'x'.repeat(2_000), true),
        (instance, field, wrong) => {
          const record = { format: 1, ...instance, [field]: wrong }
          expect(decodeInstance(encode(JSON.stringify(record)), instance).type).toBe('ignored')
        },
      ),
    )
  })

  it.each([
    ['of a later format', { format: 2 }, 'unknown-format'],
    ['of another service', { service: 'stock' }, 'wrong-place'],
    ['under another id', { id: 'b' }, 'wrong-place'],
  ])('is ignored when it is one %s', (_title, change, reason) => {
    const record = { format: 1, ...example, ...change }
    expect(decodeInstance(encode(JSON.stringify(record)), example)).toMatchObject({ type: 'ignored', reason })
  })

  it('leaves a field that it does not know to later versions', () => {
    const record = { format: 1, ...example, cpus: 8 }
    expect(decodeInstance(encode(JSON.stringify(record)), example)).toEqual({
      type: 'instance',
      instance: example,
    })
  })
})

describe('the cache file', () => {
  const owner = { registry: 'zookeeper://zk', app: 'shop' }

  it('reads back as it was written', () => {
    fc.assert(
      fc.property(name, fc.array(instances, { maxLength: 4 }), (service, list) => {
        const lists = new Map([[service, list.map((instance) => ({ ...instance, service }))]])
        expect(decodeCache(encodeCache(owner, lists), owner)).toEqual({ type: 'lists', lists })
      }),
    )
  })

  it('is damaged, and not half taken, wherever it is cut', () => {
    const file = encodeCache(owner, new Map([['order', [example]]]))
    fc.assert(
      fc.property(fc.nat(file.length - 1), (length) => {
        expect(decodeCache(file.slice(0, length), owner).type).toBe('damaged')
      }),
    )
  })

  it('is damaged when it belongs to another registry', () => {
    const file = encodeCache(owner, new Map())
    expect(decodeCache(file, { ...owner, registry: 'zookeeper://other' }).type).toBe('damaged')
  })
})

describe('the layout', () => {
  it('gives every service and instance a path of its own that any tree accepts', () => {
    fc.assert(
      fc.property(fc.oneof(name, fc.constantFrom('.', '..', 'a/b', '/', '%2E')), (service) => {
        const parts = providerPath('fenbu', service, 'a').split('/')
        expect(parts).toHaveLength(6)
        expect(parts).not.toContain('.')
        expect(parts).not.toContain('..')
        expect(decodeName(parts[3]!)).toBe(service)
      }),
    )
  })
})

const example: Instance = {
  id: 'a',
  service: 'order',
  host: '127.0.0.1',
  port: 7001,
  version: '1.0.0',
  group: 'default',
  weight: 100,
  zone: '',
  state: 'up',
  registeredMs: 0,
  metadata: {},
}

function encode(json: string): Uint8Array {
  return new TextEncoder().encode(json)
}
