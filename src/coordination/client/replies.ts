import { oneOfOption } from '../../base/index.ts'
import type { ByteReader } from '../../bytes/index.ts'
import { CREATE_FLAGS, type JuteType, replyError, type Stat as WireStat } from '../core/index.ts'
import type { CreateMode, Stat } from './client.ts'

const FLAGS: Readonly<Record<CreateMode, number>> = {
  persistent: CREATE_FLAGS.PERSISTENT,
  ephemeral: CREATE_FLAGS.EPHEMERAL,
  'persistent-sequential': CREATE_FLAGS.PERSISTENT_SEQUENTIAL,
  'ephemeral-sequential': CREATE_FLAGS.EPHEMERAL_SEQUENTIAL,
}
const MODES = Object.keys(FLAGS) as readonly CreateMode[]

export function createFlags(where: string, mode: CreateMode | undefined): number {
  return FLAGS[oneOfOption(where, 'mode', mode, 'persistent', MODES)]
}

/** The body of a reply, or its error thrown. */
export function body<Body>(what: string, error: number, reader: ByteReader, type: JuteType<Body>): Body {
  if (error !== 0) throw replyError(error, what)
  return type.read(reader)
}

export function toStat(stat: WireStat): Stat {
  return {
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    pzxid: stat.pzxid,
    ctimeMs: Number(stat.ctime),
    mtimeMs: Number(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner,
    dataLength: stat.dataLength,
    childCount: stat.numChildren,
  }
}
