import { mix } from './hash.ts'

/** What others may see of a session. The object stays the same for as long as the session lives in a machine. */
export interface Session {
  /** Signed 64 bits, chosen at random by the host that opened it. */
  readonly id: bigint
  readonly idHigh: number
  readonly idLow: number
  /** 16 bytes; who shows them may take the session over. */
  readonly password: Uint8Array
  readonly timeoutMs: number
  /** Raised by connect and resume. Only the connection of the present generation may write. */
  readonly generation: number
  /** The number that the next write of this generation must carry; the first is 1. */
  readonly nextNumber: number
  /** Index of the last entry in which the session did anything; an expiry that has not seen it is void. */
  readonly lastIndex: number
  /** Replicated time of that entry: the lease runs from here, unless the leader heard from the client since. */
  readonly lastLeaseMs: number
  readonly ephemerals: ReadonlySet<string>
}

/** A session as the machine keeps it. */
export class SessionState implements Session {
  readonly id: bigint
  readonly idHigh: number
  readonly idLow: number
  readonly password: Uint8Array
  readonly ephemerals: Set<string> = new Set()
  timeoutMs: number
  generation = 1
  nextNumber = 1
  lastIndex: number
  lastLeaseMs: number
  /** What never changes of it, hashed. */
  readonly identityHash: number
  /** Its part in the digest at present. */
  hash = 0
  /** The snapshot that it is already in, or that it came after. */
  frozen = 0
  /** Next session with the same key in the table. */
  chained: SessionState | undefined

  constructor(
    idHigh: number,
    idLow: number,
    password: Uint8Array,
    timeoutMs: number,
    lastIndex: number,
    lastLeaseMs: number,
  ) {
    this.id = sessionId(idHigh, idLow)
    this.idHigh = idHigh
    this.idLow = idLow
    this.password = password
    this.timeoutMs = timeoutMs
    this.lastIndex = lastIndex
    this.lastLeaseMs = lastLeaseMs
    this.identityHash = password.reduce(mix, mix(idHigh, idLow))
  }

  /** Every byte is looked at, so the time taken says nothing about where the first difference is. */
  hasPassword(password: Uint8Array): boolean {
    let difference = password.length ^ this.password.length
    for (let i = 0; i < this.password.length; i++) difference |= this.password[i]! ^ (password[i] ?? 0)
    return difference === 0
  }
}

/** The signed 64-bit id of two unsigned halves. */
export function sessionId(high: number, low: number): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}
