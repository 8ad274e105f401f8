/** FNV-1a over UTF-16 units: names a path in the digest. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Mixes one more 32-bit value into a hash; not linear, so that changes of two records do not cancel out. */
export function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ value, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Mixes a safe integer, both halves. */
export function mixCounter(hash: number, value: number): number {
  return mix(mix(hash, Math.floor(value / 0x1_0000_0000)), value >>> 0)
}
