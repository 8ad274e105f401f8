// CRC-32, IEEE 802.3 polynomial (reflected 0xEDB88320), slicing by eight: for records of up to a few hundred
// bytes faster than any call out of JavaScript, and the same code runs in a browser.

const POLYNOMIAL = 0xedb88320
const SLICES = 8

const table: Uint32Array = makeTable()

function makeTable(): Uint32Array {
  const made = new Uint32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    made[byte] = crc
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const previous = made[(slice - 1) * 256 + byte]!
      made[slice * 256 + byte] = (previous >>> 8) ^ made[previous & 0xff]!
    }
  }
  return made
}

/**
 * CRC-32 of `bytes[start, end)`, unsigned. `seed` is the CRC of what came before: chained calls give the CRC of
 * the concatenation, and a record's identity mixed in first makes a valid record in the wrong place invalid.
 */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  let crc = ~seed
  let i = start
  for (const last = end - 8; i <= last; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + bytes[i + 4]!]! ^
      table[512 + bytes[i + 5]!]! ^
      table[256 + bytes[i + 6]!]! ^
      table[bytes[i + 7]!]!
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}
