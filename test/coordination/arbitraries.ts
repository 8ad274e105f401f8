import fc from 'fast-check'
import {
  type AnyOperation,
  type JuteRecord,
  type JuteType,
  type JuteVector,
  OPERATIONS,
} from '../../src/coordination/core/index.ts'

/** Values of a wire type, found out from its table of fields: a new operation is fuzzed without a line of test. */
export function valuesOf(type: JuteType<unknown>): fc.Arbitrary<unknown> {
  if ('item' in type) return fc.array(valuesOf((type as JuteVector<unknown>).item), { maxLength: 4 })
  if ('fields' in type) {
    const { fields } = type as JuteRecord<Record<string, unknown>>
    return fc.record(Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, valuesOf(each)])))
  }
  const arbitrary = SCALARS[type.name]
  if (arbitrary === undefined) throw new Error(`no values are known for the wire type ${type.name}`)
  return arbitrary
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'toString'),
)

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  nothing: fc.constant(undefined),
  boolean: fc.boolean(),
  int: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ustring: text,
  'nullable ustring': fc.option(text),
  buffer: fc.option(fc.uint8Array({ maxLength: 40 })),
  MultiRequest: partsOf('multi'),
  MultiReadRequest: partsOf('multiRead'),
  MultiReply: resultsOf('multi'),
  MultiReadReply: resultsOf('multiRead'),
}

function partsOf(kind: 'multi' | 'multiRead'): fc.Arbitrary<unknown> {
  return fc.array(
    oneOf(kind, (operation) =>
      fc.record({ operation: fc.constant(operation), request: valuesOf(operation.request) }),
    ),
    { maxLength: 4 },
  )
}

function resultsOf(kind: 'multi' | 'multiRead'): fc.Arbitrary<unknown> {
  const failure = fc.record({
    operation: fc.constant(undefined),
    error: fc.integer(),
    reply: fc.constant(undefined),
  })
  const success = oneOf(kind, (operation) =>
    fc.record({ operation: fc.constant(operation), error: fc.constant(0), reply: valuesOf(operation.reply) }),
  )
  return fc.array(fc.oneof(failure, success), { maxLength: 4 })
}

function oneOf(
  kind: 'multi' | 'multiRead',
  arbitrary: (operation: AnyOperation) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  return fc
    .constantFrom(...OPERATIONS.filter((operation) => operation.partOf === kind))
    .chain((operation) => arbitrary(operation))
}
