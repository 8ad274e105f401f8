import fc from 'fast-check'
import {
  type FieldType,
  FRAMES,
  type FrameFields,
  type FrameName,
  type FrameSpec,
} from '../../src/rpc/core/index.ts'

export const FRAME_NAMES = Object.keys(FRAMES) as FrameName[]

/** Any values that fit the fields of a frame, made from the table. */
export function anyFields<Name extends FrameName>(name: Name): fc.Arbitrary<FrameFields<Name>> {
  const spec: FrameSpec = FRAMES[name]
  const fields = Object.fromEntries(
    Object.entries(spec.fields).map(([field, type]) => [field, anyField(type)]),
  )
  return fc.record(fields) as unknown as fc.Arbitrary<FrameFields<Name>>
}

export function anyCallId(name: FrameName): fc.Arbitrary<number> {
  return FRAMES[name].scope === 'connection' ? fc.constant(0) : fc.integer({ min: 1, max: 0xffff_ffff })
}

/** Any combination of the flags that the table knows. */
export function anyFlags(name: FrameName): fc.Arbitrary<number> {
  const spec: FrameSpec = FRAMES[name]
  const bits = Object.values(spec.flags)
  return fc.subarray(bits).map((some) => some.reduce((mask, bit) => mask | bit, 0))
}

function anyField(type: FieldType): fc.Arbitrary<number | string | Uint8Array> {
  switch (type) {
    case 'u8':
      return fc.integer({ min: 0, max: 0xff })
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'text8':
      return fc.string({ unit: 'grapheme', maxLength: 20 }).filter(fits(0xff))
    case 'text16':
      return fc.string({ unit: 'grapheme', maxLength: 300 }).filter(fits(0xffff))
    case 'bytes8':
      return fc.uint8Array({ maxLength: 0xff })
    case 'bytes16':
      return fc.uint8Array({ maxLength: 400 })
    case 'opaque8':
      return fc.uint8Array({ minLength: 8, maxLength: 8 })
    case 'rest':
      return fc.uint8Array({ maxLength: 200 })
  }
}

function fits(maxBytes: number): (text: string) => boolean {
  return (text) => new TextEncoder().encode(text).length <= maxBytes
}
