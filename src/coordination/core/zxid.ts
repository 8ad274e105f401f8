/**
 * A transaction's number: 64 bits as two unsigned halves. Rises with every client write, failed ones too.
 * JavaScript's `<<` works on 32 bits, so it is never built by shifting.
 */
export interface Zxid {
  readonly epoch: number
  readonly counter: number
}

export const ZXID_ZERO: Zxid = { epoch: 0, counter: 0 }

/** Keeps the 64-bit value positive where it is signed, as it is on the wire. */
const EPOCH_MAX = 0x7fff_ffff
const COUNTER_MAX = 0xffff_ffff

/** The zxid after `last` for a transaction of an entry of `epoch`: the counter restarts on a higher epoch. */
export function nextZxid(last: Zxid, epoch: number): Zxid {
  if (epoch > last.epoch && epoch <= EPOCH_MAX) return { epoch, counter: 1 }
  if (last.counter < COUNTER_MAX) return { epoch: last.epoch, counter: last.counter + 1 }
  return { epoch: last.epoch + 1, counter: 0 }
}

export function zxidAfter(a: Zxid, b: Zxid): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.counter > b.counter)
}

export function zxidToBigint(zxid: Zxid): bigint {
  return (BigInt(zxid.epoch) << 32n) | BigInt(zxid.counter)
}

/** From the signed 64 bits of the wire; a negative value comes before every transaction. */
export function zxidFromBigint(value: bigint): Zxid {
  if (value <= 0n) return ZXID_ZERO
  return { epoch: Number(value >> 32n), counter: Number(value & 0xffff_ffffn) }
}
