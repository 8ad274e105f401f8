/** Extension types (MessagePack specification, "Extension types"): -1 is the specification's, the rest are ours. */
export const EXTENSION = {
  /** Date, as seconds and nanoseconds since 1970. */
  timestamp: -1,
  /** `undefined` in an array, or as a whole value; no bytes. */
  undefined: 1,
  /** Two's complement, big-endian. */
  bigint: 2,
  /** A Map: one array of key, value, key, value. */
  map: 3,
  /** A Set: one array of its members. */
  set: 4,
} as const

export const UINT32 = 0x1_0000_0000
