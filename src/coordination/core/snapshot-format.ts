/**
 * A snapshot is a sequence of records, each beginning with its type; a chunk holds whole records. ACL lists and
 * sessions stand before the first node that names them, nodes in any order.
 *
 * ```
 * header  = u8 1, u32 magic, u8 version, u32 zxid epoch, u32 zxid counter        first
 * acl     = u8 2, vector<ACL>                                                    numbered from 0 as they come
 * session = u8 3, i64 id, 16 bytes password, i32 timeoutMs, u64 generation, u64 nextNumber, u64 lastIndex, u64 lastLeaseMs
 * node    = u8 4, ustring path, u32 acl, i32 creates, i32 length, image
 * end     = u8 5, u64 nodes, u64 sessions, u32 digest                            last
 * ```
 */
export const RECORD = { HEADER: 1, ACL: 2, SESSION: 3, NODE: 4, END: 5 } as const

/** "fbct". */
export const SNAPSHOT_MAGIC = 0x66626374
export const SNAPSHOT_VERSION = 1
